//! What is written reads back as the same; what is read never panics.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use bytes::{Bytes, BytesMut};
use posthaste_smtp::{
    Attribute, AttributeValue, Attributes, AuthIdentity, BodyType, ByMode, Capabilities, Capability,
    ClientName, Command, DateTime, DeliverBy, EnhancedStatus, EnvelopeId, ForwardPath, Hold, Keyword,
    LocalPart, MailParameters, Mailbox, Mechanism, Notify, OriginalRecipient, Parameter, ParseError,
    Priority, RcptParameters, Reply, ReplyReader, Ret, ReversePath, RrvsAction, Secret, Text, ValidSince,
};
use proptest::option::of as option;
use proptest::prelude::*;

fn mailbox() -> impl Strategy<Value = Mailbox> {
    let domain = "([a-z0-9]{1,8}\\.){0,3}[a-z]{2,5}|\\[192\\.0\\.2\\.1\\]|\\[IPv6:2001:db8::1\\]";
    ("[ -~]{0,20}", domain).prop_map(|(local_part, domain)| {
        Mailbox::new(LocalPart::new(&local_part).unwrap(), domain.parse().unwrap()).unwrap()
    })
}

fn others() -> impl Strategy<Value = Vec<Parameter>> {
    prop::collection::btree_map("X[A-Z0-9-]{0,6}", prop::option::of("[!-<>-~]{1,6}"), 0..4).prop_map(|map| {
        map.iter().map(|(keyword, value)| Parameter::new(keyword, value.as_deref()).unwrap()).collect()
    })
}

fn text() -> impl Strategy<Value = Text> {
    "[!-~\u{e9}]([ -~\u{e9}]{0,20}[!-~])?".prop_map(|text| text.parse().unwrap())
}

fn date_time() -> impl Strategy<Value = DateTime> {
    let clock = (0..24u8, 0..60u8, 0..61u8, prop::option::of(0..1000u16));
    ((0..10_000u16, 1..13u8, 1..29u8), clock).prop_map(
        |((year, month, day), (hour, minute, second, fraction))| {
            let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
                .parse()
                .unwrap()
        },
    )
}

fn mail_parameters() -> impl Strategy<Value = MailParameters> {
    let auth = prop_oneof![Just(AuthIdentity::Unknown), mailbox().prop_map(AuthIdentity::Mailbox)];
    let body = prop::sample::select(vec![BodyType::SevenBit, BodyType::EightBitMime, BodyType::BinaryMime]);
    let ret = prop::sample::select(vec![Ret::Full, Ret::Hdrs]);
    let id = "[\t -~]{1,33}".prop_map(|id| EnvelopeId::new(&id).unwrap());
    let hold = prop_oneof![(1..=Hold::SECONDS_MAX).prop_map(Hold::For), date_time().prop_map(Hold::Until)];
    let by = (-999_999_999..=999_999_999i32, any::<[bool; 2]>()).prop_map(|(seconds, [back, trace])| {
        let mode = if back && seconds > 0 { ByMode::Return } else { ByMode::Notify };
        let mut by = DeliverBy::new(seconds, mode).unwrap();
        by.trace = trace;
        by
    });
    let priority = (-9..=9i8).prop_map(|priority| Priority::new(priority).unwrap());
    let first = (option(any::<u64>()), option(body), option(auth), option(ret), option(id));
    (first, (option(hold), option(by), option(priority), any::<[bool; 2]>(), others())).prop_map(
        |(first, second)| {
            let mut all = MailParameters::default();
            (all.size, all.body, all.auth, all.ret, all.envelope_id) = first;
            (all.hold, all.deliver_by, all.priority, [all.smtp_utf8, all.require_tls], all.others) = second;
            all
        },
    )
}

fn rcpt_parameters() -> impl Strategy<Value = RcptParameters> {
    let notify = any::<[bool; 3]>().prop_map(|which| {
        let all = [Notify::SUCCESS, Notify::FAILURE, Notify::DELAY].into_iter().zip(which);
        all.filter(|(_, on)| *on).fold(Notify::NEVER, |all, (one, _)| all.or(one))
    });
    let original = prop_oneof![
        ("[a-zA-Z0-9-]{1,6}", "[ -~]{1,40}"),
        ("[uU][tT][fF]-8", "[ -~\u{e9}\u{8cb7}\u{10348}]{1,30}"),
    ];
    let original = original.prop_map(|(kind, address)| OriginalRecipient::new(&kind, &address).unwrap());
    let action = prop::option::of(prop::sample::select(vec![RrvsAction::Continue, RrvsAction::Reject]));
    let since = (date_time(), action).prop_map(|(since, otherwise)| {
        let mut since = ValidSince::new(since);
        since.otherwise = otherwise;
        since
    });
    (option(notify), option(original), option(since), others()).prop_map(
        |(notify, original, valid_since, others)| {
            let mut all = RcptParameters::default();
            (all.notify, all.original, all.valid_since, all.others) = (notify, original, valid_since, others);
            all
        },
    )
}

fn attributes() -> impl Strategy<Value = Attributes> {
    let value = prop_oneof![
        Just(AttributeValue::Unavailable),
        Just(AttributeValue::TemporarilyUnavailable),
        text().prop_map(AttributeValue::Known),
        Just(AttributeValue::Known("[UNAVAILABLE]".parse().unwrap())),
    ];
    prop::collection::btree_map("[A-Z]{1,8}", value, 1..5).prop_map(|map| {
        let all = map.into_iter().map(|(name, value)| Attribute::new(&name, value).unwrap());
        Attributes::new(all.collect()).unwrap()
    })
}

fn command() -> impl Strategy<Value = Command> {
    let from = prop_oneof![Just(ReversePath::Null), mailbox().prop_map(ReversePath::Mailbox)];
    let to = prop_oneof![Just(ForwardPath::Postmaster), mailbox().prop_map(ForwardPath::Mailbox)];
    let name = "[a-zA-Z0-9_]{1,20}(\\.[a-z0-9]{1,9}){0,3}|\\[192\\.0\\.2\\.1\\]";
    let plain = vec![
        Command::Data,
        Command::Rset,
        Command::Quit,
        Command::StartTls,
        Command::Noop,
        Command::Help(None),
    ];
    prop_oneof![
        4 => (from, mail_parameters()).prop_map(|(from, parameters)| Command::Mail { from, parameters }),
        4 => (to, rcpt_parameters()).prop_map(|(to, parameters)| Command::Rcpt { to, parameters }),
        1 => (name, 0..3u8).prop_map(|(name, verb)| {
            let name = name.parse().unwrap();
            [Command::Helo, Command::Ehlo, Command::Lhlo][usize::from(verb)](name)
        }),
        1 => (text(), any::<bool>()).prop_map(|(text, smtp_utf8)| Command::Vrfy { text, smtp_utf8 }),
        1 => (text(), any::<bool>()).prop_map(|(text, smtp_utf8)| Command::Expn { text, smtp_utf8 }),
        1 => text().prop_map(|text| Command::Help(Some(text))),
        1 => "[@#]?[a-z.]{1,20}".prop_map(|node| Command::Etrn(node.parse().unwrap())),
        1 => (any::<u64>(), any::<bool>()).prop_map(|(length, last)| Command::Bdat { length, last }),
        1 => attributes().prop_map(Command::Xclient),
        1 => attributes().prop_map(Command::Xforward),
        1 => prop::option::of(prop::collection::vec(any::<u8>(), 0..40)).prop_map(|initial| Command::Auth {
            mechanism: "PLAIN".parse().unwrap(),
            initial: initial.map(Secret::new),
        }),
        1 => prop::sample::select(plain),
    ]
}

fn line(text: &str) -> Result<Command, ParseError> {
    Command::parse(&Bytes::copy_from_slice(text.as_bytes()))
}

fn reply() -> impl Strategy<Value = Reply> {
    let enhanced = prop::option::of((0u16..1000, 0u16..1000));
    // A text without status that begins with a digit could read as one with a status.
    (
        prop::sample::select(vec![2u16, 4, 5]),
        0u16..100,
        enhanced,
        "[A-Za-z][!-~\u{e9}]{0,40}(\n[A-Za-z][!-~ ]{0,9}[!-~])?",
    )
        .prop_map(|(class, rest, enhanced, text)| {
            let status = enhanced.map(|(subject, detail)| {
                EnhancedStatus::new(u8::try_from(class).unwrap(), subject, detail).unwrap()
            });
            Reply::new(class * 100 + rest, status, &text).unwrap()
        })
}

fn read(octets: &[u8]) -> Option<Reply> {
    let mut reader = ReplyReader::new();
    let mut last = None;
    for line in octets.strip_suffix(b"\r\n")?.split(|octet| *octet == b'\n') {
        last = reader.line(&Bytes::copy_from_slice(line.strip_suffix(b"\r").unwrap_or(line))).ok()?;
    }
    last
}

proptest! {
    #[test]
    fn a_mailbox_reads_back(mailbox in mailbox()) {
        prop_assert_eq!(mailbox.to_string().parse::<Mailbox>().unwrap(), mailbox);
    }

    #[test]
    fn a_command_reads_back(command in command()) {
        let mut out = BytesMut::new();
        command.encode(&mut out);
        let line = out.strip_suffix(b"\r\n").unwrap();
        prop_assert!(!line.contains(&b'\r') && !line.contains(&b'\n'));
        prop_assert_eq!(Command::parse(&Bytes::copy_from_slice(line)).unwrap(), command);
    }

    #[test]
    fn a_reply_reads_back(reply in reply()) {
        let mut out = BytesMut::new();
        reply.encode(&mut out);
        prop_assert_eq!(read(&out), Some(reply));
    }

    #[test]
    fn what_parses_is_a_fixed_point(line in "(?i)(mail from:|rcpt to:|auth |ehlo )[ -~]{0,40}") {
        if let Ok(command) = Command::parse(&line.into()) {
            let mut out = BytesMut::new();
            command.encode(&mut out);
            prop_assert_eq!(Command::parse(&Bytes::copy_from_slice(out.strip_suffix(b"\r\n").unwrap())), Ok(command));
        }
    }

    #[test]
    fn any_octets_are_survived(octets in prop::collection::vec(any::<u8>(), 0..80), start in 0..12usize) {
        let starts = ["", "MAIL FROM:<", "RCPT TO:<\"", "MAIL FROM:<> ", "RCPT TO:<a@b> ORCPT=utf-8;", "BDAT ", "AUTH ",
            "XCLIENT ", "EHLO [", "VRFY ", "MAIL FROM:<> HOLDUNTIL=2", "ETRN "];
        let text = [starts[start].as_bytes(), &octets[..]].concat();
        fixed_point(&text)?;
        let _ = ReplyReader::new().line(&[b"250-", &octets[..]].concat().into());
        let _ = ReplyReader::new().line(&octets.into());
    }

    #[test]
    fn one_octet_that_changes_is_survived(command in command(), at in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let mut out = BytesMut::new();
        command.encode(&mut out);
        out.truncate(out.len() - 2);
        let at = at.index(out.len());
        out[at] = octet;
        fixed_point(&out)?;
    }

    #[test]
    fn a_capability_reads_back(words in "[a-z0-9-]{1,8}( [!-~]{1,8}){0,3}", pick in 0..24usize, n in 1..999_999u32) {
        let lines = [words.clone(), format!("SIZE {n}"), format!("LIMITS RCPTMAX={n}"), format!("DELIVERBY {n}"),
            format!("FUTURERELEASE {n} 2028-02-29T00:00:00Z"), format!("AUTH {}", words.to_uppercase()),
            format!("XCLIENT {words}"), format!("MT-PRIORITY {words}")];
        let capability = Capability::from(lines[pick % lines.len()].as_str());
        prop_assert_eq!(Capability::from(capability.to_string().as_str()), capability);
    }
}

fn fixed_point(text: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(command) = Command::parse(&Bytes::copy_from_slice(text)) {
        let mut out = BytesMut::new();
        command.encode(&mut out);
        let written = Bytes::copy_from_slice(out.strip_suffix(b"\r\n").unwrap());
        prop_assert!(!written.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)));
        prop_assert_eq!(Command::parse(&written), Ok(command));
    }
    Ok(())
}

/// Lines that are near to legal ones, with the rule they break.
#[test]
fn what_is_nearly_a_command_is_refused() {
    for (text, rule) in [
        ("", "verb"),
        (" QUIT", "verb"),
        ("\0DATA", "verb"),
        ("DATA\0", "verb"),
        ("DATA\t", "verb"),
        ("INSANELYREDICULOUSLYLONGCOMMANDNAME", "verb"),
        ("DATA x", "end of line"),
        ("RSET x", "end of line"),
        ("QUIT x", "end of line"),
        ("STARTTLS FOO", "end of line"),
        ("HELO", "client name"),
        ("EHLO a b", "client name"),
        ("VRFY", "text"),
        ("ETRN", "text"),
        ("ETRN a b", "end of line"),
        ("MAIL", "FROM:"),
        ("MAIL <a@b>", "FROM:"),
        ("MAIL FROM:<a@b>SIZE=1", "reverse-path"),
        ("MAIL FROM: <a@b>", "reverse-path"),
        ("MAIL FROM:a@b", "reverse-path"),
        ("RCPT TO:<>", "forward-path"),
        ("RCPT FROM:<a@b>", "TO:"),
        ("MAIL FROM:<> =1", "parameter"),
        ("MAIL FROM:<> X=", "parameter"),
        ("MAIL FROM:<> X=a=b", "parameter"),
        ("MAIL FROM:<> -X", "parameter keyword"),
        ("MAIL FROM:<> X X", "parameter that occurs once"),
        ("MAIL FROM:<> SMTPUTF8=1", "parameter without value"),
        ("MAIL FROM:<> REQUIRETLS REQUIRETLS", "parameter that occurs once"),
        ("MAIL FROM:<> BODY=x", "body-value"),
        ("MAIL FROM:<> BODY", "body-value"),
        ("MAIL FROM:<> RET=ALL", "ret-value"),
        ("MAIL FROM:<> AUTH=a", "mailbox"),
        ("MAIL FROM:<> AUTH=+0", "xtext"),
        ("MAIL FROM:<> HOLDFOR=0", "future-release-interval"),
        ("MAIL FROM:<> HOLDFOR=1000000000", "future-release-interval"),
        ("MAIL FROM:<> HOLDUNTIL=2027-02-29T00:00:00Z", "date-time"),
        ("MAIL FROM:<> HOLDUNTIL=2027-02-28T00:00:00+01:00", "date-time in UTC"),
        ("MAIL FROM:<> HOLDFOR=1 HOLDUNTIL=2027-02-28T00:00:00Z", "parameter that occurs once"),
        ("MAIL FROM:<> BY=1", "by-value"),
        ("MAIL FROM:<> BY=1;X", "by-value"),
        ("MAIL FROM:<> BY=0;R", "by-time of a message to be returned"),
        ("MAIL FROM:<> BY=1000000000;N", "by-value"),
        ("MAIL FROM:<> MT-PRIORITY=10", "priority-value"),
        ("MAIL FROM:<> MT-PRIORITY=-0", "priority-value"),
        ("MAIL FROM:<> MT-PRIORITY=+1", "priority-value"),
        ("RCPT TO:<a@b> NOTIFY=NEVER,DELAY", "notify-value"),
        ("RCPT TO:<a@b> NOTIFY=DELAY,", "notify-value"),
        ("RCPT TO:<a@b> ORCPT=rfc822", "original recipient"),
        ("RCPT TO:<a@b> ORCPT=;a", "address type"),
        ("RCPT TO:<a@b> ORCPT=utf-8;\\x{41}", "original recipient"),
        ("RCPT TO:<a@b> ORCPT=utf-8;\\x{D800}", "original recipient"),
        ("RCPT TO:<a@b> ORCPT=utf-8;\\x{0E9}", "original recipient"),
        ("RCPT TO:<a@b> ORCPT=utf-8;\\x{200B}", "original recipient"),
        ("RCPT TO:<a@b> RRVS=2027-01-01", "date-time"),
        ("RCPT TO:<a@b> RRVS=2027-01-01T00:00:00Z;X", "rrvs-param"),
        ("AUTH", "mechanism"),
        ("AUTH a.b", "mechanism"),
        ("AUTH PLAIN !", "base64"),
        ("AUTH PLAIN AA", "base64"),
        ("AUTH PLAIN AA== x", "base64"),
        ("XCLIENT", "attribute"),
        ("XCLIENT NAME", "attribute"),
        ("XCLIENT NAME=a NAME=b", "attribute that occurs once"),
        ("XCLIENT NAME=+0D+0A", "text"),
        ("XFORWARD NAME=", "attribute value"),
    ] {
        assert_eq!(line(text).map_err(|error| error.rule), Err(rule), "{text:?}");
    }
}

#[test]
fn white_space_before_the_end_is_tolerated_and_no_other() {
    for text in
        ["DATA ", "DATA \t", "MAIL FROM:<a@b> ", "MAIL FROM:<a@b> SIZE=1  \t", "EHLO a \t ", "BDAT 1 LAST  "]
    {
        assert!(line(text).is_ok(), "{text:?}");
    }
    for text in
        ["DATA\r", "DATA \r", "DATA \n", "DATA \x0b", "MAIL FROM:<a@b>\u{a0}", "MAIL FROM:<a@b>\tSIZE=1"]
    {
        assert!(line(text).is_err(), "{text:?}");
    }
}

#[test]
fn cmd_05_lengths_of_bdat() {
    let bdat = |text: &str| match line(text) {
        Ok(Command::Bdat { length, last }) => Some((length, last)),
        _ => None,
    };
    assert_eq!(bdat("BDAT 0"), Some((0, false)));
    assert_eq!(bdat("bdat 10 last"), Some((10, true)));
    assert_eq!(bdat("BDAT 18446744073709551615 LAST"), Some((u64::MAX, true)));
    assert_eq!(bdat("BDAT 18446744073709551616"), Some((u64::MAX, false)));
    assert_eq!(bdat(&format!("BDAT {}", "9".repeat(500))), Some((u64::MAX, false)));
    for text in [
        "BDAT",
        "BDAT ",
        "BDAT -1",
        "BDAT +1",
        "BDAT 0x10",
        "BDAT 1e9",
        "BDAT 1.0",
        "BDAT \u{663}",
        "BDAT LAST",
    ] {
        assert_eq!(line(text).map_err(|error| error.rule), Err("chunk-size"), "{text:?}");
    }
    for text in ["BDAT 10 LAST x", "BDAT 10 x", "BDAT 10 LASTx", "BDAT 1 0"] {
        assert_eq!(line(text).map_err(|error| error.rule), Err("LAST"), "{text:?}");
    }
}

#[test]
fn cmd_10_and_cmd_11_xtext_hides_nothing() {
    for value in [
        "ENVID=ab+0D+0Acd",
        "ENVID=a+00b",
        "ENVID=+4G",
        "ENVID=a+",
        "ENVID=a+4",
        "ENVID=+0a",
        "ENVID=+7F",
        "ENVID=+C3+BC",
    ] {
        assert!(line(&format!("MAIL FROM:<a@c.test> {value}")).is_err(), "{value}");
    }
    for value in [
        "rfc822;a+0D+0ABcc:",
        "rfc822;a+00",
        "utf-8;\\x{0D}",
        "utf-8;\\x{00}",
        "rfc822;\u{e9}",
        "utf-8;a+40b",
    ] {
        assert!(line(&format!("RCPT TO:<a@c.test> ORCPT={value}")).is_err(), "{value}");
    }
    let envid = |octets: usize| line(&format!("MAIL FROM:<> ENVID={}", "a".repeat(octets)));
    assert!(envid(100).is_ok() && envid(101).is_err());
    assert!(line(&format!("MAIL FROM:<> ENVID={}", "+41".repeat(34))).is_err());
    // With its keyword.
    let orcpt = |octets: usize| line(&format!("RCPT TO:<a@b> ORCPT=rfc822;{}", "a".repeat(octets - 13)));
    assert!(orcpt(500).is_ok() && orcpt(501).is_err());
    match line("MAIL FROM:<> ENVID=a+09b+2Bc+3D") {
        Ok(Command::Mail { parameters, .. }) => {
            assert_eq!(parameters.envelope_id.unwrap().as_str(), "a\tb+c=");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn cmd_19_sizes_and_numbers_of_parameters() {
    let size = |value: &str| match line(&format!("MAIL FROM:<a@c.test> {value}")) {
        Ok(Command::Mail { parameters, .. }) => parameters.size,
        _ => None,
    };
    assert_eq!(size("SIZE=0"), Some(0));
    assert_eq!(size("size=18446744073709551616"), Some(u64::MAX));
    for value in [
        "SIZE=-1",
        "SIZE=1e3",
        "SIZE=",
        "SIZE",
        "SIZE=1 SIZE=2",
        "SIZE=1 size=1",
        "SIZE=000000000000000000001",
    ] {
        assert_eq!(size(value), None, "{value}");
    }
    let many = |count: usize| (0..count).map(|at| format!(" X{at}")).collect::<String>();
    assert!(line(&format!("MAIL FROM:<>{}", many(32))).is_ok());
    for count in [33, 1000] {
        let error = line(&format!("RCPT TO:<a@b>{}", many(count))).unwrap_err();
        assert_eq!(error.rule, "number of parameters");
    }
}

#[test]
fn cmd_22_a_client_names_itself_by_the_grammar() {
    for name in ["a", "a.b", "under_score", "192.0.2.1", "[192.0.2.1]", "[IPv6:2001:db8::1]"] {
        assert!(line(&format!("EHLO {name}")).is_ok(), "{name}");
    }
    let long = "a".repeat(256);
    for name in [
        "[127.0.0.1",
        "[IPv6:::1%lo]",
        "a..b",
        "-x",
        "<script>",
        "a(b\r)c",
        "\u{e9}.test",
        "a.",
        ".",
        "::1",
        &long,
    ] {
        assert!(line(&format!("EHLO {name}")).is_err(), "{name}");
        assert!(name.parse::<ClientName>().is_err(), "{name}");
    }
}

#[test]
fn vrfy_and_expn_may_ask_for_utf8() {
    let vrfy = |text: &str| match line(text) {
        Ok(Command::Vrfy { text, smtp_utf8 } | Command::Expn { text, smtp_utf8 }) => {
            Some((text.as_str().to_owned(), smtp_utf8))
        }
        _ => None,
    };
    assert_eq!(vrfy("VRFY a b"), Some(("a b".to_owned(), false)));
    assert_eq!(vrfy("VRFY \u{f6}@c.test smtputf8"), Some(("\u{f6}@c.test".to_owned(), true)));
    assert_eq!(vrfy("EXPN list  SMTPUTF8 "), Some(("list".to_owned(), true)));
    assert_eq!(vrfy("EXPN SMTPUTF8"), Some(("SMTPUTF8".to_owned(), false)));
}

#[test]
fn points_in_time_are_those_of_the_calendar() {
    let seconds = |text: &str| text.parse::<DateTime>().ok().map(|time| time.unix_seconds());
    assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(seconds("2000-02-29T12:00:00.5Z"), Some(951_825_600));
    assert_eq!(seconds("2000-02-29T14:00:00+02:00"), Some(951_825_600));
    assert_eq!(seconds("1969-12-31T23:59:59z"), Some(-1));
    for text in [
        "1900-02-29T00:00:00Z",
        "2027-04-31T00:00:00Z",
        "2027-00-01T00:00:00Z",
        "2027-01-00T00:00:00Z",
        "2027-01-01T24:00:00Z",
        "2027-01-01T00:60:00Z",
        "2027-01-01T00:00:61Z",
        "2027-01-01T00:00:00",
        "2027-01-01 00:00:00Z",
        "2027-1-01T00:00:00Z",
        "2027-01-01T00:00:00.Z",
        "2027-01-01T00:00:00+0100",
        "2027-01-01T00:00Z",
        "+2027-01-01T00:00:00Z",
    ] {
        assert_eq!(seconds(text), None, "{text}");
    }
}

#[test]
fn what_a_server_offers_is_understood_in_any_clothes() {
    let octets = b"250-mx.test at your service\r\n250-size  35882577\r\n250-AUTH=LOGIN PLAIN\r\n250-auth\tplain  x.y\r\n\
        250-LIMITS RCPTMAX=100 MAILMAX=0 RCPTDOMAINMAX=1000000 FOO=1 BAR\r\n250-PIPELINING now\r\n250-X-Unknown a=b\r\n250 Chunking\r\n";
    let reply = read(octets).unwrap();
    let all = Capabilities::new(reply.lines().skip(1).map(Capability::from).collect());
    assert_eq!(all.size(), Some(Some(35_882_577)));
    let mechanisms: Vec<&str> = all.mechanisms().into_iter().map(Mechanism::as_str).collect();
    assert_eq!(mechanisms, ["LOGIN", "PLAIN"]);
    // RFC 9422 3.7: a value that is none is as if its limit was not there.
    assert_eq!(
        (all.limits().rcpt_max, all.limits().mail_max, all.limits().rcpt_domain_max),
        (Some(100), None, None)
    );
    assert!(all.has(Keyword::Pipelining) && all.has(Keyword::Chunking) && !all.has(Keyword::StartTls));
    assert!(all.as_slice().contains(&Capability::Unknown("X-Unknown a=b".to_owned())));
    assert_eq!(Capability::from("SIZE 0"), Capability::Size(None));
    for broken in ["LIMITS RCPTMAX=1 ;", "LIMITS =1", "SIZE x", "FUTURERELEASE 1", "DELIVERBY x"] {
        assert_eq!(Capability::from(broken), Capability::Unknown(broken.to_owned()), "{broken}");
    }
}

#[test]
fn what_is_kept_shares_nothing_once_it_is_compact() {
    let octets = Bytes::from(b"MAIL FROM:<a@b.test> ENVID=x HOLDUNTIL=2028-01-01T00:00:00Z Y=z".to_vec());
    let Ok(Command::Mail { from, parameters }) = Command::parse(&octets) else { panic!("no MAIL") };
    let kept = (from.compact(), parameters.compact());
    assert_eq!(kept, (from.clone(), parameters.clone()));
    drop((from, parameters));
    // Nobody but this test holds the line now.
    assert!(octets.is_unique());
    drop(kept);
}

#[test]
fn replies_as_servers_write_them_are_read() {
    assert!(read(b"250\r\n").unwrap().lines().eq([""]));
    assert!(read(b"220-a\r\n220-\r\n220 c\r\n").unwrap().lines().eq(["a", "", "c"]));
    let status = |class, subject, detail| EnhancedStatus::new(class, subject, detail).ok();
    for (octets, enhanced, lines) in [
        (&b"550-5.1.1 no\r\n550 5.1.1 user\r\n"[..], status(5, 1, 1), &["no", "user"][..]),
        (b"550-5.1.1 no\r\n550 user\r\n", status(5, 1, 1), &["no", "user"]),
        (b"550-no\r\n550 5.1.1 user\r\n", status(5, 1, 1), &["no", "user"]),
        (b"550-5.1.1 no\r\n550 5.7.1 user\r\n", status(5, 1, 1), &["no", "5.7.1 user"]),
        (b"550 2.1.1 no\r\n", None, &["2.1.1 no"]),
        (b"250 2.1.0\r\n", status(2, 1, 0), &[""]),
        (b"250\t2.0.0  OK\tdone\r\n", status(2, 0, 0), &["OK done"]),
        (b"250  OK \r\n", None, &["OK"]),
        (b"250-\r\n250 \r\n", None, &["", ""]),
        (b"550 caf\xe9 \x1b[31m\xe2\x80\xae\r\n", None, &["caf\u{fffd} \u{fffd}[31m\u{fffd}"]),
    ] {
        let reply = read(octets).unwrap();
        assert_eq!(reply.enhanced(), enhanced, "{octets:?}");
        assert!(reply.lines().eq(lines.iter().copied()), "{reply:?}");
    }
    for octets in [
        &b"250-a\r\n550 b\r\n"[..],
        b"550-a\r\n554 b\r\n",
        b"1234\r\n",
        b"25\r\n",
        b"\r\n",
        b"150 a\r\n",
        b"600 a\r\n",
        b"25a b\r\n",
    ] {
        assert_eq!(read(octets), None, "{octets:?}");
    }
}

#[test]
fn replies_have_limits_of_lines_and_of_octets() {
    let mut reader = ReplyReader::new();
    let middle = Bytes::from_static(b"250-x");
    for _ in 0..Reply::LINES_MAX {
        assert_eq!(reader.line(&middle), Ok(None));
    }
    assert!(reader.line(&middle).is_err());
    let long = format!("250 {}", "\u{e9}".repeat(300));
    let reply = ReplyReader::new().line(&long.into()).unwrap().unwrap();
    assert_eq!(reply.lines().next().unwrap(), "\u{e9}".repeat(240));
}
