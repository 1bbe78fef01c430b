//! What is a mailbox and what is not: a table of our own, the cases that attackers send, and, where a folder with
//! the vectors of others is named by `POSTHASTE_SHARED`, those of isemail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use posthaste_smtp::{
    AddressLiteral, Command, Domain, ForwardPath, LocalPart, Mailbox, Quirk, Quirks, ReversePath,
};
use proptest::prelude::*;

fn parse(text: &str) -> Option<(String, String)> {
    let mailbox: Mailbox = text.parse().ok()?;
    Some((mailbox.local_part().as_str().to_owned(), mailbox.domain().as_str().to_owned()))
}

/// As it is written, local part, domain.
const LEGAL: &[(&str, &str, &str)] = &[
    ("a@b", "a", "b"),
    ("first.last@mx.test", "first.last", "mx.test"),
    ("!#$%&'*+-/=?^_`{|}~@mx.test", "!#$%&'*+-/=?^_`{|}~", "mx.test"),
    ("a@1.2.3.4", "a", "1.2.3.4"),
    ("a@under_score.test", "a", "under_score.test"),
    ("a@xn--bcher-kva.test", "a", "xn--bcher-kva.test"),
    ("a@a--b.test", "a", "a--b.test"),
    ("\"\"@mx.test", "", "mx.test"),
    ("\" \"@mx.test", " ", "mx.test"),
    ("\"a b\"@mx.test", "a b", "mx.test"),
    ("\"a@b\"@mx.test", "a@b", "mx.test"),
    ("\"a\\\"b\\\\c\"@mx.test", "a\"b\\c", "mx.test"),
    ("\"a\\b\"@mx.test", "ab", "mx.test"),
    ("\"a.\"@mx.test", "a.", "mx.test"),
    ("\">\"@mx.test", ">", "mx.test"),
    ("a@[192.0.2.1]", "a", "[192.0.2.1]"),
    ("a@[IPv6:::]", "a", "[IPv6:::]"),
    ("a@[ipv6:2001:DB8::1]", "a", "[ipv6:2001:DB8::1]"),
    ("a@[IPv6:1:2:3:4:5:6:7:8]", "a", "[IPv6:1:2:3:4:5:6:7:8]"),
    ("a@[IPv6:1:2:3:4:5:6:192.0.2.1]", "a", "[IPv6:1:2:3:4:5:6:192.0.2.1]"),
    ("a@[IPv6:1:2:3:4::192.0.2.1]", "a", "[IPv6:1:2:3:4::192.0.2.1]"),
    ("a@[IPv6:1:2:3:4:5:6::]", "a", "[IPv6:1:2:3:4:5:6::]"),
    ("a@[X-tag:some.content]", "a", "[X-tag:some.content]"),
    ("\u{fc}ser@b\u{fc}cher.test", "\u{fc}ser", "b\u{fc}cher.test"),
    ("u\u{308}@mx.test", "u\u{308}", "mx.test"),
    ("\u{8cb7}@\u{8cb7}.test", "\u{8cb7}", "\u{8cb7}.test"),
    ("\"\u{e9} \u{e9}\"@mx.test", "\u{e9} \u{e9}", "mx.test"),
    // At-sign look-alikes are data in a local part, and never separate it.
    ("a\u{ff20}b@mx.test", "a\u{ff20}b", "mx.test"),
];

const ILLEGAL: &[&str] = &[
    "",
    "@",
    "a",
    "a@",
    "@mx.test",
    "a@b@c",
    ".a@mx.test",
    "a.@mx.test",
    "a..b@mx.test",
    "a b@mx.test",
    "a(comment)@mx.test",
    "a@mx.test(comment)",
    " a@mx.test",
    "a@mx.test ",
    "a @mx.test",
    "a@ mx.test",
    "\"a@mx.test",
    "a\"@mx.test",
    "\"a\"b@mx.test",
    "\"a\".b@mx.test",
    "\"a\\\"@mx.test",
    "\"a\tb\"@mx.test",
    "\"a\\\tb\"@mx.test",
    "\"a\\\u{e9}\"@mx.test",
    "a@-b.test",
    "a@b-.test",
    "a@.b",
    "a@b.",
    "a@b..c",
    "a@b,c",
    "a@[192.0.2.1",
    "a@192.0.2.1]",
    "a@[]",
    "a@[192.0.2]",
    "a@[192.0.2.1.1]",
    "a@[192.0.2.256]",
    "a@[192.0.2.01]",
    "a@[ 192.0.2.1]",
    "a@[IPv6:]",
    "a@[IPv6:1:2:3:4:5:6:7]",
    "a@[IPv6:1:2:3:4:5:6:7:8:9]",
    "a@[IPv6:1:2:3:4:5:6:7::]",
    "a@[IPv6:::2:3:4:5:6:7:8]",
    "a@[IPv6:1::2::3]",
    "a@[IPv6:12345::]",
    "a@[IPv6:g::]",
    "a@[IPv6:1:2:3:4:5::192.0.2.1]",
    "a@[IPv6:::1%lo]",
    "a@[IPv6:fe80::1%25eth0]",
    "a@[2001:db8::1]b",
    "a@[tag:]",
    "a@[:content]",
    "a@[-:content]",
    "a@[tag-:content]",
    "a@[t_g:content]",
    "a@[tag:con tent]",
    "a@[tag:con[tent]",
];

#[test]
fn rly_14_what_is_a_mailbox() {
    for (text, local_part, domain) in LEGAL {
        assert_eq!(parse(text), Some(((*local_part).to_owned(), (*domain).to_owned())), "{text}");
        let again = text.parse::<Mailbox>().unwrap().to_string();
        assert_eq!(parse(&again), parse(text), "{text} was written as {again}");
    }
    for text in ILLEGAL {
        assert_eq!(parse(text), None, "{text:?}");
    }
}

#[test]
fn quoting_is_only_how_it_is_written() {
    for (text, written) in [
        ("\"abc\"@d.test", "abc@d.test"),
        ("\"a\\b\"@d.test", "ab@d.test"),
        ("\"a.b\"@d.test", "a.b@d.test"),
        ("\"a..b\"@d.test", "\"a..b\"@d.test"),
        ("\"a\\ b\"@d.test", "\"a b\"@d.test"),
        ("\"\\\"\\\\\"@d.test", "\"\\\"\\\\\"@d.test"),
        ("\"\"@d.test", "\"\"@d.test"),
    ] {
        assert_eq!(text.parse::<Mailbox>().unwrap().to_string(), written);
    }
}

#[test]
fn cmd_09_what_shows_nothing_is_refused_everywhere() {
    let hidden =
        ["\0", "\x1b", "\x7f", "\r", "\n", "\t", "\u{85}", "\u{9f}", "\u{200b}", "\u{200f}", "\u{2028}"];
    let more = ["\u{202e}", "\u{2060}", "\u{206f}", "\u{feff}", "\u{fdd0}", "\u{fffe}", "\u{10ffff}"];
    for octet in hidden.iter().chain(&more) {
        for text in
            [format!("te{octet}st@e.test"), format!("\"te{octet}st\"@e.test"), format!("a@ex{octet}am.test")]
        {
            assert_eq!(parse(&text), None, "{text:?}");
        }
        assert!(LocalPart::new(octet).is_err(), "{octet:?}");
        let line = format!("MAIL FROM:<te{octet}st@e.test> SMTPUTF8");
        assert!(Command::parse(&line.into()).is_err(), "{octet:?}");
    }
}

#[test]
fn cmd_12_no_line_end_enters_through_a_quoted_string() {
    for text in ["\rX-Injected: 1@l.test", "\"a\rb\"@l.test", "\"a\r\nb\"@l.test", "\"a\\\r\\\nb\"@l.test"] {
        assert_eq!(parse(text), None, "{text:?}");
        assert!(Command::parse(&format!("RCPT TO:<{text}>").into()).is_err(), "{text:?}");
    }
}

#[test]
fn cmd_13_empty_local_parts_and_empty_paths() {
    assert!("<\"\"@l.test>".parse::<ForwardPath>().is_ok());
    assert!("<\"\"@l.test>".parse::<ReversePath>().is_ok());
    assert!("<@l.test>".parse::<ForwardPath>().is_err());
    assert_eq!("<>".parse::<ReversePath>(), Ok(ReversePath::Null));
    assert!("<>".parse::<ForwardPath>().is_err());
    assert_eq!("<PostMaster>".parse::<ForwardPath>(), Ok(ForwardPath::Postmaster));
    assert!("<postmaster>".parse::<ReversePath>().is_err());
}

#[test]
fn cmd_14_broken_utf8_is_refused() {
    for octets in [
        &b"f\xc3\xb6\xc3\xa4@\xc3\xb6\xc3"[..],
        b"\xed\xa0\x80@a",
        b"a@\xff",
        b"a@\xf1\x80",
        b"\xc0\xaf@a",
        b"\x80@a",
    ] {
        for line in [[b"MAIL FROM:<", octets, b">"].concat(), [b"RCPT TO:<", octets, b">"].concat()] {
            assert!(Command::parse(&line.into()).is_err(), "{octets:?}");
        }
    }
    for line in [&b"FROP \xF1\x80"[..], b"EHLO \xff", b"\xed\xa0\x80", b"VRFY \xff", b"MAIL FROM:<> X=\xff"] {
        assert!(Command::parse(&Bytes::copy_from_slice(line)).is_err(), "{line:?}");
    }
}

#[test]
fn cmd_24_no_text_means_anything_to_anybody() {
    for local_part in ["x'/**/UNION/**/SELECT/**/X'00'--", "%u", "${x}", ";", "|", "`id`", "../../x"] {
        let mailbox = Mailbox::new(LocalPart::new(local_part).unwrap(), "c.test".parse().unwrap()).unwrap();
        let read: Mailbox = mailbox.to_string().parse().unwrap();
        assert_eq!(read.local_part().as_str(), local_part);
    }
}

fn rcpt(path: &str) -> Option<(String, String)> {
    match Command::parse(&format!("RCPT TO:{path}").into()) {
        Ok(Command::Rcpt { to, parameters }) if parameters.others.is_empty() => {
            let mailbox = to.mailbox()?;
            Some((mailbox.local_part().as_str().to_owned(), mailbox.domain().as_str().to_owned()))
        }
        _ => None,
    }
}

#[test]
fn rly_02_to_rly_06_nothing_routes_but_the_domain() {
    for (path, local_part, domain) in [
        ("<v%r.test@local.test>", "v%r.test", "local.test"),
        ("<v%r.test@[127.0.0.1]>", "v%r.test", "[127.0.0.1]"),
        ("<\"v@r.test\"@local.test>", "v@r.test", "local.test"),
        ("<@local.test:v@r.test>", "v", "r.test"),
        ("<@[127.0.0.1]:v@r.test>", "v", "r.test"),
        ("<@a,@b:u@local.test>", "u", "local.test"),
        ("<r.test!v@local.test>", "r.test!v", "local.test"),
        (
            "<\"foo@psres.test> ORCPT=admin@a.test\"@local.test>",
            "foo@psres.test> ORCPT=admin@a.test",
            "local.test",
        ),
    ] {
        assert_eq!(rcpt(path), Some((local_part.to_owned(), domain.to_owned())), "{path}");
    }
    for path in [
        "<\"v%r.test\">",
        "<\"v@r.test\">",
        "<v@r.test@local.test>",
        "<v@r.test@[127.0.0.1]>",
        "<@route.test u@local.test>",
        "<@a,b:u@local.test>",
        "<@a,:u@local.test>",
        "<@a:@b:u@local.test>",
        "<a@b:u@local.test>",
        "<r.test!v>",
    ] {
        assert_eq!(rcpt(path), None, "{path}");
    }
}

#[test]
fn rly_07_a_domain_is_one_name_only() {
    let upper: Domain = "R.TEST".parse().unwrap();
    assert!(upper.is("r.test") && upper != "r.test".parse().unwrap());
    for domain in ["r.test.", "r.test\0.local.test", "r.test#", "xn--", "local.test.xn--", "r.test:25"] {
        assert!(domain.parse::<Domain>().is_err(), "{domain}");
    }
}

#[test]
fn rly_08_literals_are_what_the_grammar_spells() {
    let literal = |text: &str| text.parse::<Domain>().ok().map(|domain| format!("{:?}", domain.literal()));
    let v4 = AddressLiteral::V4(Ipv4Addr::LOCALHOST);
    assert_eq!(literal("[127.0.0.1]"), Some(format!("{:?}", Some(v4))));
    let v6 = AddressLiteral::V6(Ipv6Addr::LOCALHOST);
    assert_eq!(literal("[IPv6:::1]"), Some(format!("{:?}", Some(v6))));
    let mapped = AddressLiteral::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped());
    assert_eq!(literal("[IPv6:::ffff:127.0.0.1]"), Some(format!("{:?}", Some(mapped))));
    let general = AddressLiteral::General { tag: "X400", content: "c=de;a=x" };
    assert_eq!(literal("[X400:c=de;a=x]"), Some(format!("{:?}", Some(general))));
    assert_eq!(literal("mx.test"), Some("None".to_owned()));
    for odd in [
        "[0x7f000001]",
        "[2130706433]",
        "[0177.0.0.1]",
        "[127.1]",
        "[::1]",
        "[IPv6:::1%lo]",
        "[IPv6:127.0.0.1]",
        "[2001:db8:1:2:3:4:5:6]",
    ] {
        assert_eq!(literal(odd), None, "{odd}");
    }
}

#[test]
fn rly_11_lengths_are_exact() {
    let local = |octets: usize| "a".repeat(octets).parse::<LocalPart>();
    assert!(local(64).is_ok() && local(65).is_err());
    // Each of these is two octets.
    assert!("\u{e9}".repeat(32).parse::<LocalPart>().is_ok());
    assert!(("\u{e9}".repeat(32) + "a").parse::<LocalPart>().is_err());
    // The quotes and the backslash count.
    assert!(LocalPart::new(&(" ".repeat(62))).is_ok() && LocalPart::new(&" ".repeat(63)).is_err());
    assert!(LocalPart::new(&("\"".repeat(31))).is_ok() && LocalPart::new(&"\"".repeat(32)).is_err());

    let domain = |octets: usize| {
        let labels = "a".repeat(63) + "." + &"b".repeat(63) + "." + &"c".repeat(63) + ".";
        labels + &"d".repeat(octets - 192)
    };
    assert!(domain(255).parse::<Domain>().is_ok() && domain(256).parse::<Domain>().is_err());
    let path = |octets: usize| format!("<a@{}>", domain(octets - 4)).parse::<ReversePath>();
    assert!(path(256).is_ok() && path(257).is_err());
    // What is put together is held to the same.
    let mailbox = |octets: usize| Mailbox::new("a".parse().unwrap(), domain(octets - 4).parse().unwrap());
    assert!(mailbox(256).is_ok() && mailbox(257).is_err());

    assert!("a".repeat(63).parse::<Domain>().is_ok() && "a".repeat(64).parse::<Domain>().is_err());
    assert!("\u{e9}".repeat(63).parse::<Domain>().is_ok() && "\u{e9}".repeat(64).parse::<Domain>().is_err());
}

#[test]
fn rly_12_nothing_looks_like_a_separator_in_a_domain() {
    for character in ['\u{ff20}', '\u{fe6b}', '\u{ff0e}', '\u{3002}', '\u{ff61}', '\u{2024}', '\u{fe52}'] {
        assert!(format!("\u{e9}{character}test").parse::<Domain>().is_err(), "{character:?}");
        assert!(format!("a{character}test").parse::<Domain>().is_err(), "{character:?}");
    }
    // Two spellings, two names: whose they are is for the owner of the domain.
    assert_ne!("\u{fc}@l.test".parse::<Mailbox>(), "u\u{308}@l.test".parse::<Mailbox>());
    assert_ne!("user@l.test".parse::<Mailbox>(), "us\u{435}r@l.test".parse::<Mailbox>());
    assert!(!"us\u{435}r@l.test".parse::<Mailbox>().unwrap().is_ascii());
}

#[test]
fn rly_13_encoded_words_are_not_decoded() {
    let (local_part, _) = parse("=?utf-8?q?v=40r.test=3e=00?=u@local.test").unwrap();
    assert_eq!(local_part, "=?utf-8?q?v=40r.test=3e=00?=u");
}

#[test]
fn quirks_are_needed_named_and_told() {
    let all = Quirks::STRICT.with(Quirk::SpaceBehindColon).with(Quirk::MissingBrackets);
    for (line, quirks) in [
        ("MAIL FROM:<a@b>", Quirks::STRICT),
        ("MAIL FROM: <a@b>", Quirks::STRICT.with(Quirk::SpaceBehindColon)),
        ("MAIL FROM:a@b", Quirks::STRICT.with(Quirk::MissingBrackets)),
        ("MAIL FROM: a@b SIZE=1", all),
        ("RCPT TO: <a@b>", Quirks::STRICT.with(Quirk::SpaceBehindColon)),
        ("RCPT TO:postmaster", Quirks::STRICT.with(Quirk::MissingBrackets)),
    ] {
        let line = Bytes::from(line);
        assert_eq!(Command::parse(&line).is_ok(), quirks.is_strict(), "{line:?}");
        let (command, used) = Command::parse_with(&line, all).unwrap();
        assert_eq!(used, quirks, "{line:?}");
        assert_eq!(Command::parse_with(&line, quirks).unwrap(), (command, used));
        for quirk in quirks.iter() {
            let fewer = all.iter().filter(|other| *other != quirk).fold(Quirks::STRICT, Quirks::with);
            assert!(Command::parse_with(&line, fewer).is_err(), "{line:?}");
        }
    }
    for line in
        ["MAIL FROM:", "MAIL FROM: ", "MAIL FROM:a", "RCPT TO:", "MAIL FROM :<a@b>", "MAIL FROM:\t<a@b>"]
    {
        assert!(Command::parse_with(&line.into(), all).is_err(), "{line:?}");
    }
}

proptest! {
    #[test]
    fn a_mailbox_reads_back(local in "[ -~\u{e9}\u{8cb7}]{0,20}", domain in "([a-z0-9\u{e9}]{1,8}\\.){0,3}[a-z]{2,5}") {
        let mailbox = Mailbox::new(LocalPart::new(&local).unwrap(), domain.parse().unwrap()).unwrap();
        prop_assert_eq!(mailbox.to_string().parse::<Mailbox>().unwrap(), mailbox.clone());
        prop_assert_eq!(mailbox.compact(), mailbox);
    }

    #[test]
    fn what_parses_is_a_fixed_point(text in "[\"<>@.\\\\:,\\[\\]a-c0-2 \u{e9}-]{0,16}@[a-c.\\[\\]0-9:]{1,9}") {
        if let Ok(mailbox) = text.parse::<Mailbox>() {
            prop_assert_eq!(mailbox.to_string().parse::<Mailbox>().unwrap(), mailbox);
        }
    }

    #[test]
    fn an_ipv6_literal_is_that_of_the_standard_library(address in any::<u128>(), mask in any::<u128>()) {
        let address = Ipv6Addr::from(address & mask);
        let domain: Result<Domain, _> = format!("[IPv6:{address}]").parse();
        // RFC 5952 writes `::` for two groups at least, as RFC 5321 wants it.
        let domain = domain.unwrap();
        prop_assert_eq!(domain.literal(), Some(AddressLiteral::V6(address)));
    }
}

#[test]
fn rly_14_isemail_says_the_same() {
    let Some(folder) = std::env::var_os("POSTHASTE_SHARED") else { return };
    let path = std::path::Path::new(&folder).join("vectors/is_email/test/tests.xml");
    let text = std::fs::read_to_string(&path).unwrap();
    let (mut tests, mut wrong) = (0, Vec::new());
    for test in text.split("<test ").skip(1) {
        let field = |name: &str| {
            let (_, rest) = test.split_once(&format!("<{name}>"))?;
            Some(rest.split_once("</")?.0.to_owned())
        };
        let address = unescape(&field("address").unwrap_or_default());
        let category = field("category").unwrap();
        let legal =
            matches!(category.as_str(), "ISEMAIL_VALID_CATEGORY" | "ISEMAIL_DNSWARN" | "ISEMAIL_RFC5321");
        tests += 1;
        // There is no difference to explain: what isemail takes for SMTP is taken, all else is refused.
        if address.parse::<Mailbox>().is_ok() != legal {
            wrong.push((address, category, field("diagnosis")));
        }
    }
    assert!(tests >= 160, "{tests} tests were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Entities of XML, and the pictures of controls that stand for them there.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let (entity, next) = behind.split_once(';').unwrap();
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            code => {
                let code = code.strip_prefix("#x").map(|code| u32::from_str_radix(code, 16).unwrap());
                char::from_u32(code.unwrap()).unwrap()
            }
        });
        rest = next;
    }
    out.push_str(rest);
    let control = |c: char| match u32::from(c) {
        code @ 0x2400..=0x241F => char::from_u32(code - 0x2400).unwrap(),
        0x2421 => '\x7f',
        _ => c,
    };
    out.chars().map(control).collect()
}
