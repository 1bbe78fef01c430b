//! Messages to be stored: large ones, and small ones with every kind of header and structure, also broken ones.

/// Messages of all sizes up to a mebibyte, with what is hard about transport in them.
pub(crate) fn sized() -> Vec<Vec<u8>> {
    let header = "From: ann@example.test\r\nSubject: sized\r\n\r\n";
    let lines =
        "an ordinary line\r\n.\r\n..two dots\r\n\r\nGr\u{fc}\u{df}e, \u{4f60}\u{597d}\r\n\tlast {5}\r\n";
    let filled = |octets: usize| {
        let body: Vec<u8> = lines.bytes().cycle().take(octets).collect();
        [header.as_bytes(), &body, b"\r\n"].concat()
    };
    let every_octet: Vec<u8> = (1..=255).filter(|octet| !matches!(octet, b'\r' | b'\n')).collect();
    vec![
        b"\r\n".to_vec(),
        header.into(),
        [header.as_bytes(), b"no line end at the end"].concat(),
        [header.as_bytes(), &every_octet, b"\r\n"].concat(),
        [header.as_bytes(), &vec![b'x'; 70_000], b"\r\n"].concat(),
        filled(5_000),
        filled(100_000),
        filled(1 << 20),
    ]
}

/// Messages that differ from a usual one in their header or in their structure, with names that say how.
pub(crate) fn varied() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let (_, usual) = HEADERS[0];
    let (_, plain) = STRUCTURES[0];
    let headers = HEADERS.iter().map(move |(name, fields)| (*name, [*fields, plain].concat()));
    headers.chain(STRUCTURES.iter().map(move |(name, content)| (*name, [usual, *content].concat())))
}

/// Fields for envelopes; what follows them are the fields of a structure.
const HEADERS: &[(&str, &[u8])] = &[
    (
        "usual",
        b"From: Ann Example <ann@example.test>\r\nTo: bob@example.test\r\nSubject: hello\r\n\
          Date: Sat, 3 Oct 2026 10:00:00 +0200\r\nMessage-ID: <usual@example.test>\r\n",
    ),
    ("no fields", b""),
    (
        "folded",
        b"Subject: a subject\r\n that goes on\r\n\t  and on\r\nFrom:\r\n Ann\r\n <ann@example.test>\r\n\
          References: <a@x>\r\n <b@x>\r\nIn-Reply-To: <b@x>\r\n <a@x>\r\n",
    ),
    (
        "encoded words",
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= =?iso-8859-1?b?/A==?=\r\n\
          From: =?utf-8?q?J=C3=B6rg?= <joerg@example.test>\r\n",
    ),
    (
        "groups",
        b"From: ann@example.test\r\nTo: friends: a@x.test, B <b@x.test>;, undisclosed:;, c@x.test\r\n\
          Cc: undisclosed recipients:;\r\n",
    ),
    (
        "comments",
        b"From: ann@example.test (Ann Example)\r\nTo: (before) Bob (inside) Example <bob@example.test> (after)\r\n\
          Date: (a day) Sat, 3 Oct 2026 10:00:00 +0200 (CEST)\r\n",
    ),
    (
        "quoted",
        b"From: \"Doe, \\\"Jo\\\" John\" <\"john doe\"@example.test>\r\nTo: \"\" <empty@example.test>\r\n\
          Cc: \"a\\\\b\" <back@example.test>, Dr. Smith <smith@example.test>\r\n",
    ),
    ("routes", b"From: <@one.test,@two.test:ann@example.test>\r\nTo: Bob <@one.test:bob@example.test>\r\n"),
    ("sender", b"Sender: secretary@example.test\r\nReply-To: Answers <answers@example.test>\r\nTo: bob@x.test\r\n"),
    ("no from", b"To: bob@example.test\r\nSubject: who?\r\n"),
    (
        "repeated",
        b"From: one@example.test\r\nFrom: two@example.test\r\nTo: a@x.test\r\nTo: b@x.test\r\nCc: c@x.test\r\n\
          Cc: d@x.test\r\nSubject: first\r\nSubject: second\r\n",
    ),
    ("raw 8-bit", b"From: J\xc3\xb6rg <joerg@example.test>\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\n"),
    ("raw latin 1", b"From: J\xf6rg <joerg@example.test>\r\nSubject: Gr\xfc\xdfe\r\n"),
    ("empty values", b"From:\r\nTo: \r\nSubject:\r\nCc: ,\r\nMessage-ID:\r\nDate: \r\n"),
    ("literals", b"From: ann@[192.0.2.1]\r\nTo: <bob@[IPv6:2001:db8::1]>, c . d @ example . test\r\n"),
    ("an address in pieces", b"From: ann@example.test\r\nTo: <bob@example.test\r\nCc: a b c\r\nBcc: <>\r\n"),
    ("two at signs", b"From: a@b@c\r\nTo: bob@\r\nCc: @example.test\r\n"),
    ("space before the colon", b"From : ann@example.test\r\nSubject\t: spaced\r\nTo: bob@x.test\r\n"),
    ("no field", b"From: ann@example.test\r\nthis is no field\r\nSubject: after it\r\n"),
    ("many recipients", b"From: ann@example.test\r\nTo: a@x,b@x,c@x,d@x,e@x,f@x,\r\n g@x , h@x\r\n"),
];

/// The rest of the header, and the body.
const STRUCTURES: &[(&str, &[u8])] = &[
    ("plain", b"\r\nhello\r\n"),
    ("typed", b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8; format=flowed\r\n\r\nhello\r\nagain"),
    ("no body", b"\r\n"),
    ("no empty line", b"X-Last: yes\r\n"),
    (
        "html",
        b"MIME-Version: 1.0\r\nContent-Type: TEXT/HTML; Charset=\"iso-8859-1\"\r\n\
          Content-Transfer-Encoding: Quoted-Printable\r\n\r\n<p>=E4</p>\r\n",
    ),
    (
        "mixed",
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b 1\"\r\n\r\npreamble\r\n--b 1\r\n\r\n\
          first\r\n--b 1\r\nContent-Type: application/octet-stream; name=x.bin\r\n\
          Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"x.bin\"; size=3\r\n\
          \r\nAAEC\r\n--b 1--\r\nepilogue\r\n",
    ),
    (
        "nested",
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\n\
          Content-Type: multipart/alternative; boundary=inner\r\n\r\n--inner\r\nContent-Type: text/plain\r\n\r\n\
          plain\r\n--inner\r\nContent-Type: text/html\r\n\r\n<b>\r\n--inner--\r\n\r\n--outer\r\n\
          Content-Type: image/png\r\n\r\nPNG\r\n--outer--\r\n",
    ),
    (
        "message",
        b"MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\nFrom: inner@example.test\r\n\
          To: Inner <to@example.test>\r\nSubject: inside\r\nDate: Sun, 4 Oct 2026 11:00:00 +0000\r\n\r\ntext\r\n",
    ),
    (
        "forwarded multipart",
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\nsee below\r\n--o\r\n\
          Content-Type: message/rfc822\r\nContent-Description: what they wrote\r\n\r\n\
          From: them@example.test\r\nSubject: theirs\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n\
          --i\r\n\r\none\r\n--i\r\nContent-Type: text/html\r\n\r\ntwo\r\n--i--\r\n\r\n--o--\r\n",
    ),
    (
        "digest",
        b"MIME-Version: 1.0\r\nContent-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\n\
          From: a@x.test\r\nSubject: one\r\n\r\n1\r\n--d\r\nContent-Type: text/plain\r\n\r\nnot a message\r\n--d--\r\n",
    ),
    (
        "all fields",
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-ID: <part@example.test>\r\n\
          Content-Description: a description\r\nContent-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n\
          Content-Disposition: inline\r\nContent-Language: en, de-AT\r\nContent-Location: http://example.test/x\r\n\
          Content-Transfer-Encoding: 8bit\r\n\r\nx\r\n",
    ),
    (
        "all fields of a multipart",
        b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=r; type=\"text/html\"\r\n\
          Content-Disposition: attachment; filename=all\r\nContent-Language: fr\r\nContent-Location: there\r\n\r\n\
          --r\r\n\r\nx\r\n--r--\r\n",
    ),
    ("no boundary", b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n\r\n--x\r\n\r\none\r\n--x--\r\n"),
    ("no end", b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n"),
    ("no parts", b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\nnothing here\r\n"),
    ("only an end", b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n"),
    ("a part without an empty line", b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nX: y\r\n--x--\r\n"),
    ("an empty part", b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n--x\r\n\r\n\r\n--x--\r\n"),
    (
        "a boundary in another",
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\n\
          Content-Type: multipart/mixed; boundary=abc\r\n\r\n--abc\r\n\r\ninner\r\n--abc--\r\n--ab\r\n\r\nouter\r\n--ab--\r\n",
    ),
    ("no subtype", b"MIME-Version: 1.0\r\nContent-Type: text\r\n\r\nx\r\n"),
    ("no type", b"MIME-Version: 1.0\r\nContent-Type: ; charset=utf-8\r\n\r\nx\r\n"),
    (
        "long parameters",
        b"MIME-Version: 1.0\r\nContent-Type: application/pdf; name*0*=utf-8''Gr%C3%BC; name*1=sse.pdf\r\n\
          Content-Disposition: attachment; filename*=utf-8''%E2%82%AC.pdf\r\n\r\nx\r\n",
    ),
    (
        "comments in fields",
        b"MIME-Version: 1.0 (yes)\r\nContent-Type: text/plain (a comment); charset=(another) utf-8\r\n\
          Content-Transfer-Encoding: 7bit (really)\r\n\r\nx\r\n",
    ),
    ("no MIME version", b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+\r\n"),
    (
        "a message in base64",
        b"MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQo=\r\n",
    ),
];
