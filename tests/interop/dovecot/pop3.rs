//! Fetching mail by POP3: what was stored is what is read, octet for octet.

use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Protocol, TlsMode, pop3};

use super::{ALICE, Dovecot, messages, run};

async fn open(dovecot: &Dovecot, tls: TlsMode) -> pop3::Client {
    let ports = dovecot.ports();
    let port = if tls == TlsMode::Implicit { ports.pop3s } else { ports.pop3 };
    let endpoint = Dovecot::endpoint(Protocol::Pop3, tls, port);
    pop3::Client::connect(&endpoint, &dovecot.options(ALICE, Alpn::Pop3)).await.unwrap()
}

#[test]
fn dovecot_serves_by_pop3_what_imap_stored() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut session = dovecot.session(ALICE).await;
        let mut stored = messages::sized();
        // A message that does not end with a line end gets one from POP3.
        stored.retain(|message| message.ends_with(b"\r\n"));
        for message in &stored {
            session.append("INBOX", message).await;
        }
        let count = u32::try_from(stored.len()).unwrap();

        let mut client = open(&dovecot, TlsMode::StartTls).await;
        let octets = stored.iter().map(|message| message.len() as u64).sum();
        assert_eq!(client.stat().await.unwrap(), (count, octets));
        let list = client.list().await.unwrap();
        assert!(list.iter().map(|(_, octets)| *octets).eq(stored.iter().map(|message| message.len() as u64)));
        let unique = client.uidl().await.unwrap();
        assert_eq!(unique.len(), stored.len());
        for ((number, _), message) in list.iter().zip(&stored) {
            let read = client.retr_to_bytes(*number, 2 << 20).await.unwrap();
            assert!(
                read == *message,
                "message {number} of {} octets is {} octets",
                message.len(),
                read.len()
            );
        }
        let (last, _) = *list.last().unwrap();
        let mut top = client.top(last, 2).await.unwrap();
        let mut read = Vec::new();
        while let Some(chunk) = top.next_chunk().await.unwrap() {
            read.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(read).unwrap();
        assert_eq!(text, "From: ann@example.test\r\nSubject: sized\r\n\r\nan ordinary line\r\n.\r\n");

        client.dele(list[0].0).await.unwrap();
        client.rset().await.unwrap();
        client.dele(list[1].0).await.unwrap();
        client.quit().await.unwrap();
        let mut client = open(&dovecot, TlsMode::Implicit).await;
        let left = client.uidl().await.unwrap();
        assert_eq!(left.len(), stored.len() - 1);
        assert!(left.iter().all(|(_, uidl)| *uidl != unique[1].1));
        assert_eq!(left[0].1, unique[0].1);
        client.quit().await.unwrap();
    });
}
