//! The client against hostile servers and hostile arguments: replies that are none, too long, too many or out of
//! turn; and the proof that what is sent is exactly the commands of the calls that were made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    dead_code,
    reason = "test code"
)]

#[path = "support/client.rs"]
mod support;

use posthaste_smtp::client::{Mode, TlsPolicy};
use posthaste_smtp::{Command, Envelope, Mailbox, Notify, OriginalRecipient, ProtocolError, Recipient};
use posthaste_testkit::assert_split_invariant;
use proptest::prelude::*;
use support::{DATA, GREETING, answer, client, config, envelope, output, play, queued, smtp, tell};

#[test]
fn hst_06_replies_that_are_none_end_the_session_in_every_split() {
    let endless = "220-x\r\n".repeat(200);
    let long = format!("220 {}\r\n", "x".repeat(3000));
    let wide = format!("220-{}\r\n", "x".repeat(1000)).repeat(70);
    for input in
        ["220-\r\n250 x\r\n", "hello\r\n", "2\r\n", "999 x\r\n", "2 50\r\n", "\r\n220 x\r\n", "220_x\r\n"]
            .into_iter()
            .chain([
                endless.as_str(),
                &long,
                &wide,
                "554 go away\r\n",
                "421 later\r\n",
                "354 go\r\n",
                "199 x\r\n",
            ])
    {
        let outcome = assert_split_invariant(|| queued(TlsPolicy::Off), input.as_bytes(), false, answer);
        assert!(outcome.error.is_some() && !outcome.text().contains("EHLO"), "{input}");
    }
}

#[test]
fn a_reply_line_of_exactly_its_limit_passes() {
    for (octets, passes) in [(2048, true), (2049, false)] {
        let line = format!("220 {}\r\n", "x".repeat(octets - 6));
        assert_eq!(play(smtp, &[&line]).text().starts_with("EHLO"), passes);
    }
}

#[test]
fn hst_06_a_million_lines_are_not_waited_for() {
    let mut client = smtp();
    for _ in 0..1000 {
        client.handle_input(posthaste_smtp::Time::ZERO, "220-x\r\n".repeat(1000).as_bytes());
        if support::steps(&mut client).2.is_err() {
            return;
        }
    }
    panic!("a million lines were read");
}

#[test]
fn replies_of_the_wrong_kind_are_never_taken_for_a_yes() {
    let scripts: [&[&str]; 4] = [
        &[GREETING, DATA, "354 go\r\n"],
        &[GREETING, DATA, "250 a\r\n354 b\r\n"],
        &[GREETING, DATA, "250 a\r\n250 b\r\n250 c\r\n250 taken\r\n"],
        &[GREETING, "354 go\r\n"],
    ];
    for script in scripts {
        let outcome = play(|| queued(TlsPolicy::Off), script);
        assert!(outcome.error.unwrap().contains("out of turn"));
        assert!(!outcome.notes.iter().any(|note| format!("{note:?}").contains("sent")));
    }
}

#[test]
fn a_reply_before_its_command_is_never_believed() {
    let input = [&b"220 x\r\n"[..], b"250 x\r\n", b"250 early\r\n"];
    let outcome = posthaste_testkit::run(&mut smtp(), input, false, answer);
    let early = posthaste_smtp::Reply::new(250, None, "early").unwrap();
    assert_eq!(outcome.error, Some(ProtocolError::UnexpectedReply(early).to_string()));
}

#[test]
fn hst_09_junk_in_the_offer_is_ignored() {
    let offer = "250-x\r\n250-\r\n250-SIZE 99999999999999999999\r\n250-AUTH \u{1} ,,, =\r\n250-LIMITS RCPTMAX=x\r\n\
                 250-PIPELINING yes\r\n250-CHUNKING\0\r\n250 \u{fffd}\r\n";
    let outcome = play(|| queued(TlsPolicy::Off), &[GREETING, offer]);
    assert!(outcome.has("ready") && outcome.error.is_some());
    assert!(outcome.text().starts_with("EHLO c.test\r\nMAIL FROM:<a@c.test>"));
}

#[test]
fn inj_01_to_inj_05_what_would_inject_cannot_be_made() {
    for path in ["<a@b>\r\nRCPT TO:<evil@x>", "<\"a\r\nb\"@x>", "<a@b\n>", "<a\0@b>", "<a\x7f@b>", "<a b@c>"]
    {
        assert!(path.parse::<Recipient>().is_err(), "{path}");
    }
    for name in ["x\r\nMAIL FROM:<a@b>", "x y", "x\0", ""] {
        assert!(name.parse::<posthaste_smtp::ClientName>().is_err());
    }
    let to = r#"<"foo@ps.test> ORCPT=admin@a.test"@t.test>"#;
    let mut client = smtp();
    client.send(envelope(&[to])).unwrap();
    tell(&mut client, GREETING);
    assert!(tell(&mut client, DATA).1.contains(&format!("RCPT TO:{to}\r\nDATA\r\n")));
}

fn mailbox() -> impl Strategy<Value = Mailbox> {
    ("[ -~]{1,20}", "[a-z]{1,10}(\\.[a-z]{1,10}){0,2}").prop_filter_map("a mailbox", |(local, domain)| {
        Mailbox::new(posthaste_smtp::LocalPart::new(&local).ok()?, domain.parse().ok()?).ok()
    })
}

proptest! {
    /// A strict reader of lines finds exactly the commands that the envelope stands for.
    #[test]
    fn inj_06_the_octets_are_those_commands_and_no_others(
        from in mailbox(),
        to in prop::collection::vec((mailbox(), "[ -~]{1,30}"), 1..6),
        id in "[ -~\t]{1,30}",
        size in any::<u64>(),
    ) {
        let recipients: Vec<Recipient> = to.iter().map(|(mailbox, original)| {
            let mut recipient = Recipient::from(posthaste_smtp::ForwardPath::from(mailbox.clone()));
            recipient.parameters.notify = Some(Notify::DELAY);
            recipient.parameters.original = OriginalRecipient::new("rfc822", original).ok();
            recipient
        }).collect();
        let mut envelope = Envelope::new(from.into(), recipients).with_size(size);
        envelope.envelope_id = posthaste_smtp::EnvelopeId::new(&id).ok();
        let mut client = client(config(Mode::Smtp));
        client.send(envelope.clone()).unwrap();
        tell(&mut client, GREETING);
        client.handle_input(posthaste_smtp::Time::ZERO, b"250-x\r\n250-SIZE\r\n250-DSN\r\n250 PIPELINING\r\n");
        let _ = support::steps(&mut client);
        let sent = output(&mut client);
        let text = std::str::from_utf8(&sent).unwrap();
        prop_assert!(text.ends_with("\r\n") && text.matches('\r').count() == text.matches('\n').count());
        let lines: Vec<&str> = text.trim_end_matches("\r\n").split("\r\n").collect();
        prop_assert_eq!(lines.len(), envelope.recipients.len() + 2);
        for (number, line) in lines.iter().enumerate() {
            match (number, Command::parse(&bytes::Bytes::copy_from_slice(line.as_bytes()))) {
                (0, Ok(Command::Mail { from, parameters })) => {
                    prop_assert_eq!(&from, &envelope.from);
                    prop_assert_eq!((&parameters.envelope_id, parameters.size), (&envelope.envelope_id, Some(size)));
                }
                (last, Ok(Command::Data)) => prop_assert_eq!(last, lines.len() - 1),
                (number, Ok(Command::Rcpt { to, parameters })) => {
                    prop_assert_eq!(&Recipient::from(to).path, &envelope.recipients[number - 1].path);
                    prop_assert_eq!(&parameters, &envelope.recipients[number - 1].parameters);
                }
                (number, other) => prop_assert!(false, "{} {:?} {:?}", number, line, other),
            }
        }
    }

    /// Whatever a server says, the client neither panics nor says anything after an error.
    #[test]
    fn hst_06_any_octets_are_survived(input in prop::collection::vec(any::<u8>(), 0..400)) {
        let outcome = posthaste_testkit::run(&mut queued(TlsPolicy::Opportunistic), [&input[..]], true, answer);
        prop_assert!(outcome.error.is_some() || outcome.closed);
    }
}
