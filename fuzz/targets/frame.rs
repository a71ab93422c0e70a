//! What the writer writes is one frame that says what was written, whatever a caller hands it.
#![no_main]

use impp::wire::start_line::{is_method, is_request_id};
use impp::wire::{Fault, Kind, Name, Piece, Splitter, Writer, header};
use libfuzzer_sys::fuzz_target;

/// What a value is on the wire: without what may not stand there, and trimmed.
fn as_written(value: &str) -> String {
    let value: String = value.chars().map(|c| if header::is_value_char(c) { c } else { ' ' }).collect();
    value.trim_matches([' ', '\t']).to_owned()
}

fuzz_target!(|input: &[u8]| {
    // Kind, then words between NULs: method, request-id, and values for the headers in turn; the rest is the body.
    let Some((&choice, rest)) = input.split_first() else { return };
    let mut parts = rest.splitn(40, |octet| *octet == 0).map(String::from_utf8_lossy);
    let (Some(method), Some(id)) = (parts.next(), parts.next()) else { return };
    let kind = [Kind::Request, Kind::Ok, Kind::Error][usize::from(choice % 3)];
    let mut values: Vec<_> = parts.collect();
    let body = values.pop().unwrap_or_default();
    let free = |name: &&Name| !matches!(name, Name::ContentLength | Name::ContentType);
    let headers: Vec<(Name, &str)> = Name::ALL.iter().filter(free).copied().zip(values.iter().map(AsRef::as_ref)).collect();

    let writer = Writer::start(kind, &method, &id);
    let writer = headers.iter().fold(writer, |writer, (name, value)| writer.header(*name, value));
    let octets = if choice & 64 == 0 { writer.finish_with("text/plain", body.as_bytes()) } else { writer.finish() };

    let sound = is_method(method.as_bytes())
        && is_request_id(id.as_bytes())
        && &*id != "0"
        && !matches!(&*method, "OK" | "ERROR" | "UNKNOWN");
    let mut splitter = Splitter::new(u64::MAX);
    splitter.push(&octets);
    match splitter.poll() {
        Ok(Some(Piece::Frame(frame))) if sound => {
            assert_eq!((frame.kind(), frame.method(), frame.request_id()), (kind, &*method, &*id));
            for (name, value) in &headers {
                assert_eq!(frame.header(*name), Some(as_written(value).as_str()), "{name:?}");
            }
            assert_eq!(frame.headers().count(), headers.len() + if choice & 64 == 0 { 2 } else { 0 });
            assert_eq!(frame.body(), (choice & 64 == 0).then_some(body.as_bytes()));
            assert_eq!(frame.octets(), &octets);
            assert!(splitter.is_between_frames(), "one frame, and nothing behind it");
        }
        Err(malformed) if sound => assert_eq!(malformed.fault, Fault::HeadTooLong, "{malformed:?}"),
        // Method and request-id are the caller's to keep sound.
        outcome => assert!(!sound, "{outcome:?}"),
    }
});
