//! What an envelope needs against what a server offers: sent, left out, or not sent at all, with the reason.
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

use posthaste_smtp::client::{Client, LeftOut, Mode, Refusal, Stage, TlsPolicy, Unsupported};
use posthaste_smtp::{
    AuthIdentity, BodyType, ByMode, DeliverBy, Envelope, EnvelopeId, Hold, Notify, OriginalRecipient,
    Priority, Recipient, Ret, ReversePath, RrvsAction, Security, Time, ValidSince,
};
use support::{GREETING, answer, client, config, envelope, report, smtp, tell};

/// The reply to EHLO that offers these.
fn offer(keywords: &[&str]) -> String {
    let lines: String = keywords.iter().map(|keyword| format!("250-{keyword}\r\n")).collect();
    format!("250-x\r\n{lines}250 PIPELINING\r\n")
}

fn queue(mut client: Client, envelope: Envelope) -> Client {
    client.send(envelope).unwrap();
    client
}

/// What is sent for the envelope.
fn sent(client: Client, envelope: Envelope, keywords: &[&str]) -> String {
    let mut client = queue(client, envelope);
    tell(&mut client, GREETING);
    tell(&mut client, &offer(keywords)).1
}

/// Why it is not.
fn refused(client: Client, envelope: Envelope, keywords: &[&str]) -> Unsupported {
    let mut client = queue(client, envelope);
    let report = report(&mut client, &[GREETING, &offer(keywords)]);
    assert_eq!((report.stage, report.reply), (Stage::Capabilities, None));
    assert!(client.is_idle(), "nothing was sent");
    match report.recipients.first() {
        Some(Err(Refusal::Unsupported(reason))) => reason.clone(),
        other => panic!("{other:?}"),
    }
}

fn plain() -> Envelope {
    envelope(&["<u@x.test>"])
}

fn with(change: impl FnOnce(&mut Envelope)) -> Envelope {
    let mut envelope = plain();
    change(&mut envelope);
    envelope
}

fn recipient(change: impl FnOnce(&mut Recipient)) -> Envelope {
    with(|envelope| change(&mut envelope.recipients[0]))
}

fn tls() -> Client {
    Client::new(config(Mode::Smtp).with_tls(TlsPolicy::Required), Security::Tls, Time::ZERO)
}

#[test]
fn a_size_over_the_announced_maximum_is_not_sent() {
    assert!(sent(smtp(), plain().with_size(100), &["SIZE 100"]).contains("SIZE=100"));
    let reason = refused(smtp(), plain().with_size(101), &["SIZE 100"]);
    assert_eq!(reason, Unsupported::MessageTooBig { max: 100 });
    assert_eq!(
        reason.rejection().reply().to_string().split(' ').take(2).collect::<Vec<_>>(),
        ["552", "5.3.4"]
    );
    for none in [&["SIZE 0"][..], &["SIZE"]] {
        assert!(sent(smtp(), plain().with_size(u64::MAX), none).contains("SIZE=18446744073709551615\r\n"));
    }
    assert!(!sent(smtp(), plain().with_size(1), &[]).contains("SIZE"));
}

#[test]
fn content_goes_only_where_it_is_taken_as_it_is() {
    let eight_bit = || plain().with_body(BodyType::EightBitMime);
    assert_eq!(refused(smtp(), eight_bit(), &["CHUNKING"]), Unsupported::EightBitMime);
    assert!(sent(smtp(), eight_bit(), &["8BITMIME"]).contains(" BODY=8BITMIME\r\n"));
    let binary = || plain().with_body(BodyType::BinaryMime);
    for keywords in [&["BINARYMIME"][..], &["CHUNKING"], &["8BITMIME"]] {
        assert_eq!(refused(smtp(), binary(), keywords), Unsupported::BinaryMime);
    }
    let never = || client(config(Mode::Smtp).with_chunking(posthaste_smtp::client::Chunking::Never));
    assert_eq!(refused(never(), binary(), &["BINARYMIME", "CHUNKING"]), Unsupported::BinaryMime);
    assert!(sent(smtp(), binary(), &["BINARYMIME", "CHUNKING"]).contains(" BODY=BINARYMIME\r\n"));
}

#[test]
fn smtputf8_is_asked_for_only_where_it_is_needed() {
    let utf8 = ["SMTPUTF8", "8BITMIME"];
    assert!(!sent(smtp(), plain(), &utf8).contains("SMTPUTF8"));
    let header = || with(|envelope| envelope.smtp_utf8 = true);
    assert_eq!(refused(smtp(), header(), &[]), Unsupported::SmtpUtf8);
    assert!(sent(smtp(), header(), &utf8).contains(" SMTPUTF8\r\n"));
    let sender = || with(|envelope| envelope.from = "<jürgen@x.test>".parse().unwrap());
    assert_eq!(refused(smtp(), sender(), &[]), Unsupported::SmtpUtf8);
    assert!(sent(smtp(), sender(), &utf8).starts_with("MAIL FROM:<jürgen@x.test> SMTPUTF8\r\n"));
    // One recipient costs the others nothing.
    let mixed = || envelope(&["<u@x.test>", "<jürgen@x.test>"]);
    assert!(sent(smtp(), mixed(), &utf8).contains(" SMTPUTF8\r\n"));
    let ascii = sent(smtp(), mixed(), &[]);
    assert_eq!(ascii, "MAIL FROM:<a@c.test>\r\nRCPT TO:<u@x.test>\r\nDATA\r\n");
    let mut client = queue(smtp(), mixed());
    let report = report(&mut client, &[GREETING, &offer(&[]), "250 a\r\n250 b\r\n354 c\r\n", "250 d\r\n"]);
    assert!(report.recipients[0].is_ok());
    assert_eq!(report.recipients[1], Err(Refusal::Unsupported(Unsupported::SmtpUtf8)));
}

#[test]
fn requests_for_notifications_are_dropped_where_they_are_not_understood() {
    let asked = || {
        let mut envelope = recipient(|recipient| {
            recipient.parameters.notify = Some(Notify::SUCCESS);
            recipient.parameters.original = Some(OriginalRecipient::new("rfc822", "u@y.test").unwrap());
        });
        envelope.ret = Some(Ret::Hdrs);
        envelope.envelope_id = Some(EnvelopeId::new("a+b").unwrap());
        envelope
    };
    assert_eq!(
        sent(smtp(), asked(), &["DSN"]),
        "MAIL FROM:<a@c.test> RET=HDRS ENVID=a+2Bb\r\n\
         RCPT TO:<u@x.test> NOTIFY=SUCCESS ORCPT=rfc822;u@y.test\r\nDATA\r\n"
    );
    assert_eq!(sent(smtp(), asked(), &[]), "MAIL FROM:<a@c.test>\r\nRCPT TO:<u@x.test>\r\nDATA\r\n");
    let mut client = queue(smtp(), asked());
    let report = report(&mut client, &[GREETING, &offer(&[]), "250 a\r\n250 b\r\n354 c\r\n", "250 d\r\n"]);
    assert_eq!(report.left_out, [LeftOut::Dsn]);
}

#[test]
fn requiretls_needs_tls_and_the_offer() {
    let required = || with(|envelope| envelope.require_tls = true);
    assert_eq!(refused(smtp(), required(), &["REQUIRETLS"]), Unsupported::Encryption);
    let reason = refused(tls(), required(), &[]);
    assert_eq!(reason, Unsupported::RequireTls);
    assert_eq!(reason.rejection().reply().enhanced().unwrap().to_string(), "5.7.30");
    assert!(sent(tls(), required(), &["REQUIRETLS"]).contains(" REQUIRETLS\r\n"));
    // RFC 8689 5: a notification is not lost for it.
    let bounce = || with(|envelope| (envelope.require_tls, envelope.from) = (true, ReversePath::Null));
    assert_eq!(sent(tls(), bounce(), &[]).lines().next(), Some("MAIL FROM:<>"));
    assert_eq!(refused(smtp(), bounce(), &[]), Unsupported::Encryption);
}

#[test]
fn a_message_is_held_back_within_what_is_announced() {
    let offered = ["FUTURERELEASE 3600 2030-01-01T00:00:00Z"];
    let held = |hold: Hold| with(|envelope| envelope.hold = Some(hold));
    assert_eq!(refused(smtp(), held(Hold::For(1)), &[]), Unsupported::FutureRelease);
    assert!(sent(smtp(), held(Hold::For(3600)), &offered).contains(" HOLDFOR=3600\r\n"));
    let late = refused(smtp(), held(Hold::For(3601)), &offered);
    assert_eq!(late, Unsupported::HoldTooLong { seconds_max: 3600 });
    let until = |time: &str| held(Hold::Until(time.parse().unwrap()));
    assert!(sent(smtp(), until("2030-01-01T00:00:00Z"), &offered).contains(" HOLDUNTIL="));
    assert!(matches!(
        refused(smtp(), until("2030-01-01T00:00:01Z"), &offered),
        Unsupported::HoldTooLate { .. }
    ));
    // What contradicts itself is not even queued.
    let mut bounce = held(Hold::For(1));
    bounce.from = ReversePath::Null;
    assert!(smtp().send(bounce).is_err());
    let mut short = held(Hold::For(60));
    short.deliver_by = Some(DeliverBy::new(60, ByMode::Return).unwrap());
    assert!(smtp().send(short).is_err());
}

#[test]
fn a_time_of_delivery_is_kept_returned_or_made_good_by_notifications() {
    let by = |mode| with(|envelope| envelope.deliver_by = Some(DeliverBy::new(60, mode).unwrap()));
    assert_eq!(refused(smtp(), by(ByMode::Return), &[]), Unsupported::DeliverBy);
    let soon = refused(smtp(), by(ByMode::Return), &["DELIVERBY 61"]);
    assert_eq!(soon, Unsupported::DeliverByTooSoon { seconds_min: 61 });
    assert!(sent(smtp(), by(ByMode::Return), &["DELIVERBY 60"]).contains(" BY=60;R\r\n"));
    assert!(sent(smtp(), by(ByMode::Notify), &["DELIVERBY 61"]).contains(" BY=60;N\r\n"));
    assert!(!sent(smtp(), by(ByMode::Notify), &[]).contains("BY="));
    // RFC 2852 4.1.4.2.
    assert!(sent(smtp(), by(ByMode::Notify), &["DSN"]).contains("NOTIFY=FAILURE,DELAY\r\n"));
    for (asked, sends) in [(Notify::SUCCESS, "NOTIFY=SUCCESS,DELAY\r\n"), (Notify::NEVER, "NOTIFY=NEVER\r\n")]
    {
        let mut envelope = by(ByMode::Notify);
        envelope.recipients[0].parameters.notify = Some(asked);
        assert!(sent(smtp(), envelope, &["DSN"]).contains(sends));
    }
}

#[test]
fn a_priority_is_dropped_and_a_check_of_the_owner_is_not() {
    let urgent = || with(|envelope| envelope.priority = Some(Priority::new(3).unwrap()));
    assert!(sent(smtp(), urgent(), &["MT-PRIORITY"]).contains(" MT-PRIORITY=3\r\n"));
    assert!(!sent(smtp(), urgent(), &[]).contains("PRIORITY"));
    let since = |otherwise| {
        recipient(|recipient| {
            let mut since = ValidSince::new("2014-04-03T23:01:00Z".parse().unwrap());
            since.otherwise = otherwise;
            recipient.parameters.valid_since = Some(since);
        })
    };
    assert!(sent(smtp(), since(None), &["RRVS"]).contains(" RRVS=2014-04-03T23:01:00Z\r\n"));
    assert!(!sent(smtp(), since(Some(RrvsAction::Continue)), &[]).contains("RRVS"));
    for otherwise in [None, Some(RrvsAction::Reject)] {
        assert_eq!(refused(smtp(), since(otherwise), &[]), Unsupported::Rrvs);
    }
}

#[test]
fn who_submitted_first_is_told_only_by_who_is_authenticated() {
    let known = || with(|envelope| envelope.auth = Some(AuthIdentity::Unknown));
    assert!(!sent(smtp(), known(), &["AUTH PLAIN"]).contains("AUTH="));
    let mut client = smtp();
    tell(&mut client, GREETING);
    tell(&mut client, &offer(&["AUTH PLAIN"]));
    client.authenticate("PLAIN".parse().unwrap(), Some("x".into())).unwrap();
    tell(&mut client, "");
    client.send(known()).unwrap();
    assert!(tell(&mut client, "235 ok\r\n").1.starts_with("MAIL FROM:<a@c.test> AUTH=<>\r\n"));
}

#[test]
fn hst_09_announced_limits_are_kept() {
    let many = || envelope(&["<a@x.test>", "<b@x.test>", "<c@y.test>"]);
    assert!(!sent(smtp(), many(), &["LIMITS RCPTMAX=2"]).contains("<c@y.test>"));
    assert!(!sent(smtp(), many(), &["LIMITS RCPTDOMAINMAX=1"]).contains("<c@y.test>"));
    assert!(sent(smtp(), many(), &["LIMITS RCPTMAX=0"]).contains("<c@y.test>"));
    let mut client = queue(queue(smtp(), plain()), plain());
    let mut reports = Vec::new();
    let script = [GREETING, &offer(&["LIMITS MAILMAX=1"]), "550 no\r\n503 a\r\n503 b\r\n"];
    posthaste_testkit::run(
        &mut client,
        script.iter().map(|piece| piece.as_bytes()),
        false,
        |client, event| {
            let note = answer(client, event);
            reports.push(format!("{note:?}"));
            note
        },
    );
    assert!(reports.iter().any(|note| note.contains("sent Mail [false]")));
    assert!(reports.iter().any(|note| note.contains("sent Capabilities [false]")));
    assert!(client.is_used_up());
    assert!(Unsupported::MailMax { max: 1 }.rejection().is_transient());
}
