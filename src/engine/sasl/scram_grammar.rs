//! RFC 5802's messages, read strictly before rsasl sees them: its own parser indexes blindly and panics.
//!
//! Extensions are refused, optional ones included: rsasl leaves them out of the AuthMessage that both sides
//! sign, so an exchange that carries one could never succeed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The one channel binding of this protocol (RFC 9266).
pub(super) const BINDING: &str = "tls-exporter";
const PROOF_OCTETS: usize = 32;

/// What the client says about channel binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// `n`: it knows none.
    None,
    /// `y`: it knows one and believes that the server does not.
    NotOffered,
    /// `p=tls-exporter`
    Exporter,
}

/// `n,,n=alice,r=fyko+d2lbbFgONRv9qkxdawL`
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFirst {
    pub(super) binding: Binding,
    pub(super) authzid: Option<String>,
    pub(super) user: String,
}

/// Reads client-first; `None` for anything that is not exactly of its form.
pub(super) fn client_first(octets: &[u8]) -> Option<ClientFirst> {
    let mut parts = std::str::from_utf8(octets).ok()?.split(',');
    let binding = match parts.next()? {
        "n" => Binding::None,
        "y" => Binding::NotOffered,
        flag if flag.strip_prefix("p=")? == BINDING => Binding::Exporter,
        _ => return None,
    };
    let authzid = match parts.next()? {
        "" => None,
        text => Some(unescape(text.strip_prefix("a=")?)?),
    };
    let user = unescape(parts.next()?.strip_prefix("n=")?)?;
    nonce(parts.next()?.strip_prefix("r=")?)?;
    parts.next().is_none().then_some(ClientFirst { binding, authzid, user })
}

/// Whether this is a client-final: `c=biws,r=...,p=...` with a proof of SHA-256's length.
pub(super) fn is_client_final(octets: &[u8]) -> bool {
    let read = || {
        let mut parts = std::str::from_utf8(octets).ok()?.split(',');
        let binding = STANDARD.decode(parts.next()?.strip_prefix("c=")?).ok()?;
        nonce(parts.next()?.strip_prefix("r=")?)?;
        let proof = STANDARD.decode(parts.next()?.strip_prefix("p=")?).ok()?;
        (parts.next().is_none() && !binding.is_empty() && proof.len() == PROOF_OCTETS).then_some(())
    };
    read().is_some()
}

/// The iteration count of a server-first, `r=...,s=...,i=4096`; `None` for anything not of that form.
pub(super) fn server_first(octets: &[u8]) -> Option<u64> {
    let mut parts = std::str::from_utf8(octets).ok()?.split(',');
    nonce(parts.next()?.strip_prefix("r=")?)?;
    let salt = STANDARD.decode(parts.next()?.strip_prefix("s=")?).ok()?;
    let count = parts.next()?.strip_prefix("i=")?;
    let sound = (1..=19).contains(&count.len()) && count.bytes().all(|c| c.is_ascii_digit()) && !count.starts_with('0');
    (sound && !salt.is_empty() && parts.next().is_none()).then(|| count.parse().ok())?
}

/// Whether this is a server-final that proves something: `v=...`.
pub(super) fn is_server_final(octets: &[u8]) -> bool {
    let verifier = std::str::from_utf8(octets).ok().and_then(|text| text.strip_prefix("v="));
    verifier.and_then(|text| STANDARD.decode(text).ok()).is_some_and(|proof| proof.len() == PROOF_OCTETS)
}

fn nonce(text: &str) -> Option<()> {
    (!text.is_empty() && text.bytes().all(|c| matches!(c, b'!'..=b'~'))).then_some(())
}

/// A saslname: `=2C` is a comma and `=3D` an equals sign, and no other `=` may occur.
fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('=') {
        out.push_str(plain);
        let (code, tail) = escaped.split_at_checked(2)?;
        out.push(match code {
            "2C" => ',',
            "3D" => '=',
            _ => return None,
        });
        rest = tail;
    }
    out.push_str(rest);
    (!out.is_empty() && !out.contains('\0')).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_first_messages_that_are_sound() {
        let rows = [
            ("n,,n=alice,r=abc", Binding::None, None, "alice"),
            ("y,,n=alice,r=abc", Binding::NotOffered, None, "alice"),
            ("p=tls-exporter,,n=alice,r=abc", Binding::Exporter, None, "alice"),
            ("n,a=impp://example.org/alice,n=alice,r=abc", Binding::None, Some("impp://example.org/alice"), "alice"),
            ("n,,n=a=2Cb=3Dc,r=abc", Binding::None, None, "a,b=c"),
            ("n,,n=J\u{fc}rgen,r=!~", Binding::None, None, "J\u{fc}rgen"),
        ];
        for (text, binding, authzid, user) in rows {
            let expected = ClientFirst { binding, authzid: authzid.map(str::to_owned), user: user.to_owned() };
            assert_eq!(client_first(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn client_first_messages_that_made_rsasl_panic_or_that_nobody_should_send() {
        let rows: [&[u8]; 28] = [
            b"",
            b"n",
            b"n,",
            b"n,,",
            b"n,,n",
            b"n,a,n=x,r=y",
            b"n,,n=x,r",
            b"y,y,",
            b"n,zzbob,n=x,r=y",
            b"n,,n=x",
            b"n,,n=x,r=",
            b"n,,n=,r=y",
            b"n,a=,n=x,r=y",
            b"n,,m=x,n=x,r=y",
            b"n,,n=x,r=y,z=1",
            b"n,,n=x,r=y,",
            b"n,,n=x=,r=y",
            b"n,,n=x=2,r=y",
            b"n,,n=x=2c,r=y",
            b"n,,n=x=41,r=y",
            b"n,,n=\xff,r=y",
            b"n,,n=a\0b,r=y",
            b"n,,n=x,r=a b",
            b"n,,n=x,r=\xc3\xa4",
            b"p,,n=x,r=y",
            b"p=,,n=x,r=y",
            b"p=tls-unique,,n=x,r=y",
            b"N,,n=x,r=y",
        ];
        for octets in rows {
            assert_eq!(client_first(octets), None, "{}", octets.escape_ascii());
        }
    }

    #[test]
    fn client_final_messages() {
        let proof = STANDARD.encode([7; 32]);
        assert!(is_client_final(format!("c=biws,r=abc,p={proof}").as_bytes()));
        let short = STANDARD.encode([7; 31]);
        for text in [
            String::new(),
            "c".to_owned(),
            "c=biws,r=abc,p".to_owned(),
            "x,y,z".to_owned(),
            "c=biws,r=abc".to_owned(),
            format!("c=,r=abc,p={proof}"),
            format!("c=biw,r=abc,p={proof}"),
            format!("c=biws,r=,p={proof}"),
            format!("c=biws,r=abc,p={short}"),
            format!("c=biws,r=abc,x=1,p={proof}"),
            format!("c=biws,r=abc,p={proof},"),
            format!("c=biws,r=abc,p={proof}A==="),
        ] {
            assert!(!is_client_final(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn server_messages() {
        assert_eq!(server_first(b"r=abc,s=AAAA,i=4096"), Some(4096));
        assert_eq!(server_first(b"r=abc,s=AAAA,i=9999999999"), Some(9_999_999_999));
        for text in
            ["", "r", "r=a,s=AAAA", "r=a,s=,i=1", "r=a,s=AAAA,i=", "r=a,s=AAAA,i=x", "r=a,s=AAAA,i=01", "r=a,s=AAAA,i=1,x=1"]
        {
            assert_eq!(server_first(text.as_bytes()), None, "{text}");
        }
        assert!(is_server_final(format!("v={}", STANDARD.encode([7; 32])).as_bytes()));
        for text in ["", "v", "v=", "v=AAAA", "e=invalid-proof", "x=1"] {
            assert!(!is_server_final(text.as_bytes()), "{text}");
        }
    }
}
