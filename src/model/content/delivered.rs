//! A message as it is put into a mailbox: what was proved about its sender on top, and nothing in it that says so by itself.

use super::head::{HEAD_OCTETS, Head, field_name, line_end};
use crate::model::address::Address;

/// Put before the names of fields that a message must not bring along.
pub const CLAIMED: &[u8] = b"X-Claimed-";
/// The fields that only whoever delivers may write.
const OURS: [&str; 4] = ["Return-Path", "Delivered-To", "X-IMPP-From", "X-IMPP-Auth"];

/// What IMPP itself says of a message.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    /// The sender, as the domains vouch for it.
    pub sender: &'a Address,
    /// Whose message it is.
    pub recipient: &'a Address,
    /// How far that goes, in one word.
    pub auth: &'a str,
    /// The message's own From names the sender and nobody else, so that it may stay.
    pub own_from_is_true: bool,
}

/// The message with the proof on top.
///
/// Mail programs show the message's own From. One that is not the sender's becomes `X-Claimed-From`, and the sender's takes
/// its place. Behind the header stands a blank line, whatever came there. All else stays octet for octet, so that
/// signatures, which cover the body, keep their worth.
#[must_use]
pub fn with_proof(raw: &[u8], proof: &Proof<'_>) -> Vec<u8> {
    let head = Head::find(raw);
    let block = raw.get(head.block.clone()).unwrap_or_default();
    let end = if block.contains(&b'\n') && !block.windows(2).any(|pair| pair == b"\r\n") { "\n" } else { "\r\n" };
    let (sender, recipient) = (proof.sender.to_email(), proof.recipient.to_email());
    let mut top = format!(
        "Return-Path: <{sender}>{end}Delivered-To: {recipient}{end}X-IMPP-From: {sender}{end}X-IMPP-Auth: {}{end}",
        proof.auth
    );
    if !proof.own_from_is_true {
        top += &format!("From: <{sender}>{end}");
    }
    let mut out = Vec::with_capacity(raw.len() + top.len() + 64);
    out.extend_from_slice(top.as_bytes());
    let mut at = 0;
    while let Some(line) = block.get(at..line_end(block, at)).filter(|line| !line.is_empty()) {
        let name = field_name(line).and_then(|octets| line.get(..octets)).unwrap_or_default();
        let is = |ours: &str| name.eq_ignore_ascii_case(ours.as_bytes());
        // A From beyond what was looked at has been judged by nobody.
        let false_from = is("From") && !(proof.own_from_is_true && at < HEAD_OCTETS);
        if false_from || OURS.iter().any(|ours| is(ours)) {
            out.extend_from_slice(CLAIMED);
        }
        out.extend_from_slice(line);
        at += line.len();
    }
    if !out.ends_with(b"\n") {
        out.extend_from_slice(end.as_bytes());
    }
    // Another reader might take a line that is no field for a slip, and read on.
    out.extend_from_slice(raw.get(head.block.end..head.body).filter(|blank| !blank.is_empty()).unwrap_or(end.as_bytes()));
    out.extend_from_slice(raw.get(head.body..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered(raw: &str, own_from_is_true: bool) -> String {
        let (sender, recipient) = (Address::parse("\"a b\"@x").unwrap(), Address::parse("bob@y").unwrap());
        let proof = Proof { sender: &sender, recipient: &recipient, auth: "verified", own_from_is_true };
        String::from_utf8(with_proof(raw.as_bytes(), &proof)).unwrap()
    }

    const TOP: &str = "Return-Path: <\"a b\"@x>\r\nDelivered-To: bob@y\r\nX-IMPP-From: \"a b\"@x\r\nX-IMPP-Auth: verified\r\n";

    #[test]
    fn a_true_sender_stays_and_what_is_ours_is_renamed() {
        let raw = "From: \"a b\"@x\r\nx-impp-auth : all\r\n good\r\nReturn-Path: <eve@x>\r\nX-IMPP-Authority: 1\r\nSubject: s\r\n\r\nFrom: body\r\n";
        let expected = "From: \"a b\"@x\r\nX-Claimed-x-impp-auth : all\r\n good\r\nX-Claimed-Return-Path: <eve@x>\r\n\
                        X-IMPP-Authority: 1\r\nSubject: s\r\n\r\nFrom: body\r\n";
        assert_eq!(delivered(raw, true), format!("{TOP}{expected}"));
    }

    #[test]
    fn a_false_sender_is_replaced() {
        let own = "From: <\"a b\"@x>\r\n";
        for (raw, rest) in [
            ("From: eve@x\r\nfrom:\r\n bob@y\r\n\r\nx", "X-Claimed-From: eve@x\r\nX-Claimed-from:\r\n bob@y\r\n\r\nx"),
            ("Subject: s\r\n\r\nx", "Subject: s\r\n\r\nx"),
            ("", "\r\n"),
            ("no header\nFrom: eve@x\n", "\r\nno header\nFrom: eve@x\n"),
            ("\r\nFrom: eve@x\n", "\r\nFrom: eve@x\n"),
            ("Subject: s", "Subject: s\r\n\r\n"),
            ("From eve Mon\r\nSubject: s\r\n\r\nx", "Subject: s\r\n\r\nx"),
        ] {
            assert_eq!(delivered(raw, false), format!("{TOP}{own}{rest}"), "{raw:?}");
        }
        // With the message's own line ends.
        assert_eq!(delivered("Subject: s\n\nx", false), format!("{TOP}{own}Subject: s\n\nx").replace("\r\n", "\n"));
    }

    #[test]
    fn what_lies_beyond_the_view_is_not_believed() {
        let flood = "X: y\r\n".repeat(HEAD_OCTETS / 6 + 1);
        let done = delivered(&format!("From: \"a b\"@x\r\n{flood}From: eve@x\r\n\r\n"), true);
        assert!(done.ends_with("\r\nX-Claimed-From: eve@x\r\n\r\n"));
        assert!(done.contains("\r\nFrom: \"a b\"@x\r\n"));
    }
}
