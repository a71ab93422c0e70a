//! How octets are cut changes nothing; what waits is what came; a frame that came is read again as it was.
#![no_main]

use impp::wire::{Malformed, Piece, Splitter, limits};
use libfuzzer_sys::fuzz_target;

const MAX_BODY: u64 = 4096;

/// What came out, in words, and the fault that ended it.
fn split(octets: &[u8], cut: impl Fn(usize) -> usize) -> (Vec<String>, Option<Malformed>) {
    let mut splitter = Splitter::new(MAX_BODY);
    let (mut pieces, mut at) = (Vec::new(), 0);
    while at < octets.len() {
        let end = octets.len().min(at + cut(at).max(1));
        splitter.push(&octets[at..end]);
        at = end;
        loop {
            match splitter.poll() {
                Ok(Some(Piece::Frame(frame))) => {
                    let body = frame.body();
                    assert!(body.unwrap_or_default().len() as u64 <= MAX_BODY);
                    assert!(frame.octets().len() <= limits::HEAD_OCTETS + body.unwrap_or_default().len());
                    pieces.push(format!("{:?} {:?} {:?}", frame.octets(), frame.headers().collect::<Vec<_>>(), body));
                }
                Ok(Some(Piece::TooLarge { head, skipped })) => pieces.push(format!("too large {:?} {skipped}", head.octets())),
                Ok(None) => break,
                Err(malformed) => {
                    assert_eq!(splitter.waiting(), 0, "a fault keeps nothing");
                    splitter.push(b"PING 1 impp/1.0\r\n\r\n");
                    assert!(matches!(splitter.poll(), Ok(None)), "nothing comes behind a fault");
                    return (pieces, Some(malformed));
                }
            }
        }
        assert!(splitter.waiting() <= at.min(limits::HEAD_OCTETS + MAX_BODY as usize), "{} wait", splitter.waiting());
    }
    (pieces, None)
}

fuzz_target!(|input: &[u8]| {
    let Some((&how, octets)) = input.split_first() else { return };
    let whole = split(octets, |_| usize::MAX);
    let step = usize::from(how % 61) + 1;
    assert_eq!(whole, split(octets, |_| step));
    assert_eq!(whole, split(octets, |at| at.wrapping_mul(usize::from(how)) % 37));
    if octets.len() < 2048 {
        assert_eq!(whole, split(octets, |_| 1));
    }
});
