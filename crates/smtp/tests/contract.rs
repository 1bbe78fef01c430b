//! What the contract of all machines asks of the types.

use posthaste_smtp::{ProtocolError, Violation, client, server};

const fn shared_between_threads<T: Send + Sync>() {}

/// Fails to compile, not to run.
#[test]
fn machines_and_tokens_are_send_and_sync() {
    const { shared_between_threads::<server::Server>() };
    const { shared_between_threads::<server::Event>() };
    const { shared_between_threads::<client::Client>() };
    const { shared_between_threads::<client::Event>() };
    const { shared_between_threads::<ProtocolError>() };
    const { shared_between_threads::<Violation>() };
}

#[test]
fn res_05_a_client_that_does_not_read_gets_no_more_replies() {
    use posthaste_smtp::{Security, Step, Time};
    let mut limits = posthaste_smtp::Limits::default();
    limits.junk_commands_max = u32::MAX;
    let config = server::Config::new(server::Mode::Submission, "mx.test".parse().expect("a name"));
    let config = config.with_limits(limits);
    let mut server = server::Server::new(config, Security::Tls, Time::ZERO);
    server.handle_input(Time::ZERO, &b"NOOP\r\n".repeat(100_000));
    // Nothing is sent: the replies stop at the high-water mark.
    assert!(matches!(server.poll_event(), Ok(Step::NeedInput)));
    assert!(server.is_congested());
    let mut replies = 0;
    loop {
        let sent: Vec<u8> = std::iter::from_fn(|| server.poll_transmit()).flatten().collect();
        assert!(sent.len() < 65 * 1024, "{} octets were waiting", sent.len());
        if sent.is_empty() {
            break;
        }
        replies += sent.windows(2).filter(|end| end == b"\r\n").count();
        assert!(matches!(server.poll_event(), Ok(Step::NeedInput)));
    }
    assert_eq!(replies, 100_001, "each NOOP is answered when there is room");
}
