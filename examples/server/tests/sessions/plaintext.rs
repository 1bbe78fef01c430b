//! What the one switch for passwords without TLS is when nobody touches it, and which TLS there is.

use posthaste_server::listen::Service;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{World, base64};

#[tokio::test]
async fn u25_no_port_takes_a_password_in_the_clear_unless_told_to() {
    let world = World::new().await;
    let plain = base64(b"\0alice@x.test\0secret");
    // No mechanism is offered, and none is taken; no command tells whether the password is right.
    for (service, verb) in [(Service::Smtp, "EHLO"), (Service::Submission, "EHLO"), (Service::Lmtp, "LHLO")] {
        let mut peer = world.connect(service).await;
        peer.expect("220 ").await;
        let offers = peer.ehlo(verb).await;
        assert!(!offers.contains("AUTH"), "{service:?}: {offers}");
        peer.ask(&format!("AUTH PLAIN {plain}"), "5").await;
        if service == Service::Submission {
            peer.ask("MAIL FROM:<alice@x.test>", "5").await;
        }
    }
    let mut imap = world.connect(Service::Imap).await;
    let greeting = imap.expect("* OK").await;
    assert!(greeting.contains("LOGINDISABLED") && !greeting.contains("AUTH="), "{greeting}");
    imap.ask("a LOGIN alice@x.test secret", "a NO").await;
    imap.ask(&format!("b AUTHENTICATE PLAIN {plain}"), "b NO").await;
    let mut pop3 = world.connect(Service::Pop3).await;
    pop3.expect("+OK").await;
    pop3.ask("USER alice@x.test", "-ERR").await;
    pop3.ask("PASS secret", "-ERR").await;
    pop3.ask(&format!("AUTH PLAIN {plain}"), "-ERR").await;
    // On port 25 there is no log-in with TLS either.
    let mut peer = world.smtp().await;
    peer.ask("STARTTLS", "220 ").await;
    let mut peer = world.secure(peer).await;
    assert!(!peer.ehlo("EHLO").await.contains("AUTH"));
}

/// A ClientHello (RFC 8446 4.1.2) that knows no version above this one, with a suite of it that was common.
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    let mut hello = [&version[..], &[7; 32], &[0]].concat();
    // TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_RSA_WITH_AES_128_CBC_SHA.
    hello.extend_from_slice(&[0, 6, 0xc0, 0x09, 0xc0, 0x2b, 0x00, 0x2f, 1, 0]);
    let mut extensions = Vec::new();
    // supported_groups: secp256r1; ec_point_formats: uncompressed; signature_algorithms: ecdsa_secp256r1_sha256.
    extensions.extend_from_slice(&[0, 10, 0, 4, 0, 2, 0, 23]);
    extensions.extend_from_slice(&[0, 11, 0, 2, 1, 0]);
    extensions.extend_from_slice(&[0, 13, 0, 4, 0, 2, 4, 3]);
    // extended_main_secret.
    extensions.extend_from_slice(&[0, 23, 0, 0]);
    hello.extend_from_slice(&u16::try_from(extensions.len()).unwrap().to_be_bytes());
    hello.extend_from_slice(&extensions);
    let length = |octets: &[u8]| u16::try_from(octets.len()).unwrap().to_be_bytes();
    let handshake = [&[1, 0][..], &length(&hello), &hello].concat();
    [&[22, 3, 1][..], &length(&handshake), &handshake].concat()
}

#[tokio::test]
async fn u25_tls_is_1_2_at_least_on_every_port() {
    let world = World::new().await;
    for service in [Service::Imaps, Service::Pop3s, Service::Submissions] {
        for (version, is_spoken) in [([3, 1], false), ([3, 2], false), ([3, 3], true)] {
            let mut tcp = TcpStream::connect(world.running.address(service).unwrap()).await.unwrap();
            tcp.write_all(&client_hello(version)).await.unwrap();
            let mut record = [0; 7];
            tcp.read_exact(&mut record).await.unwrap();
            if is_spoken {
                assert_eq!((record[0], record[5]), (22, 2), "{service:?}: a ServerHello");
            } else {
                // A fatal alert: protocol_version (RFC 8446 6.2).
                assert_eq!((record[0], &record[5..]), (21, &[2, 70][..]), "{service:?} {version:?}");
            }
        }
    }
}
