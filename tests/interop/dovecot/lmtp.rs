//! Delivering by LMTP: an answer for each recipient, and the message where IMAP finds it.

use posthaste_smtp::{BodyType, Envelope};
use posthaste_tokio::{ClientOptions, Protocol, TlsMode, smtp};

use super::{ALICE, BOB, Dovecot, run};

#[test]
fn dovecot_takes_a_message_by_lmtp_for_those_it_knows() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let endpoint = Dovecot::endpoint(Protocol::Lmtp, TlsMode::Plain, dovecot.ports().lmtp);
        let name = "client.test".parse().unwrap();
        let mut client = smtp::Client::connect(&endpoint, name, &ClientOptions::default()).await.unwrap();
        let recipients = [ALICE, "nobody@example.test", BOB].map(|name| format!("<{name}>").parse().unwrap());
        let envelope = Envelope::new("<sender@remote.test>".parse().unwrap(), recipients)
            .with_body(BodyType::EightBitMime);
        let message =
            format!("Subject: by LMTP\r\n\r\n{}", ".\r\n..two\r\nGr\u{fc}\u{df}e\r\n".repeat(5_000));
        let report = client.send(envelope, message.clone()).await.unwrap();
        assert_eq!(
            report.recipients.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [true, false, true],
            "{report:?}"
        );
        client.quit().await.unwrap();
        for user in [ALICE, BOB] {
            let mut session = dovecot.session(user).await;
            session.run("SELECT INBOX").await;
            let uids = session.numbers("UID SEARCH ALL").await;
            assert_eq!(uids.len(), 1);
            let read = String::from_utf8(session.message(uids[0].try_into().unwrap()).await).unwrap();
            // Dovecot puts trace fields above.
            assert!(read.starts_with("Return-Path: <sender@remote.test>\r\n"), "{:?}", &read[..200]);
            assert!(read.ends_with(&message));
        }
    });
}
