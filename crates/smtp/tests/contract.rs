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
