//! Seeds that stand neither in a test nor in a block of the specification.

/// What stands between fences in a document.
pub(crate) fn blocks(text: &str) -> Vec<&str> {
    text.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).map(|(_, block)| block).collect()
}

/// Values that the specification shows in its text only.
pub(crate) const TEXTS: &[&str] = &[
    "alice@example.org",
    "\"john smith\"@example.org",
    "impp://example.org/john%20smith",
    "impp://xn--bcher-kva.example/a%C3%A4",
    "impp://example.org/*",
    "impp://example.org/",
    "2026-11-23T12:00:00.5+01:00",
    "infinity",
    "86400",
    "<7f3a.1@example.org>",
    "../../etc/passwd",
    "n,,n=alice,r=abcdef\nc=biws,r=abcdef,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "p=tls-exporter,,n=alice,r=abcdef\n\n",
    "p=tls-exporter,a=impp://example.org/alice,n=alice,r=abcdef",
    "n,,n=peer.test,r=abcdef",
    "y,,n=a=2Cb=3D,r=x",
    "\0alice\0wonderland",
    "impp://example.org/alice\0alice\0looking-glass",
    "r=abcdef,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096\nv=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
];

/// Bodies of every kind.
pub(crate) const BODIES: &[&str] = &[
    "<presence><entity>impp://example.org/alice</entity><status>open</status><activity>away</activity><note>a &lt;b&gt; &#233;</note>\
     <since>2026-11-23T12:00:00Z</since><tuple><id>laptop</id><status>closed</status><contact>tel:+1</contact><priority>0.8</priority></tuple>\
     <card><fn>Alice</fn><tel>1</tel><tel>2</tel></card><x><y>z</y></x></presence>",
    "<acl><rule><who>impp://example.org/bob</who><op>fetch</op><op>subscribe</op><action>allow</action><view>work</view></rule>\
     <rule><who>impp://b.test/*</who><op>send</op><action>conceal</action></rule><rule><who>anonymous</who><op>fetch</op><action>deny</action></rule>\
     <rule><who>local</who><op>change</op><op>read</op><action>allow</action></rule></acl>",
    "<watchers><watcher><who>impp://example.net/bob</who><connection>b1</connection><since>2026-11-23T12:00:00Z</since>\
     <until>2026-11-23T13:00:00Z</until></watcher><refused><who>impp://x.test/y</who><op>subscribe</op><when>2026-11-23T12:00:00Z</when></refused></watchers>",
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
     xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"pres:alice@example.org\">\
     <tuple id=\"a\"><status><basic>open</basic></status><contact priority=\"0.8\">im:alice@example.org</contact><note xml:lang=\"en\">x</note>\
     <timestamp>2026-11-23T12:00:00Z</timestamp></tuple><note>y</note><dm:person id=\"p\"><rpid:activities><rpid:away/></rpid:activities></dm:person></presence>",
    "From: \"Alice, A.\" <alice@example.org>\nTo: Team: b@example.org, c@x.test;, =?utf-8?q?J=C3=BC?= <j@example.org>\nBcc: d@x.test\n\
     Subject: =?utf-8?b?w6Q=?= a\n b\nDate: Mon, 23 Nov 2026 12:00:00 +0000\nMessage-ID: <a@x>\nIn-Reply-To: <b@x> <c@x>\nPriority: urgent\n\
     MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"x\"\n\n--x\nContent-Type: text/plain; charset=iso-8859-1\n\
     Content-Transfer-Encoding: quoted-printable\n\n=E4=\n b\n--x\nContent-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\
     Content-Disposition: attachment; filename*0*=utf-8''%61; filename*1=\"b.png\"\n\niVBORw0KGgo=\n--x\nContent-Type: multipart/alternative; boundary=y\n\n\
     --y\n\nplain\n--y\nContent-Type: text/html\n\n<p>html &amp; more</p>\n--y--\n--x\nContent-Type: message/rfc822\n\nSubject: within\n\nx\n--x--\n",
    "From alice Mon Nov 23 12:00:00 2026\nFrom: a@x.test\nReturn-Path: <b@x>\nX-IMPP-Auth: certain\n\nbody\n",
    "Subject: no address\n\n\u{e4}\u{20ac}\n.\n",
];
