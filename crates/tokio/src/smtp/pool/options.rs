//! How many sessions a pool holds, for how long, and how long it waits.

use std::time::Duration;

use crate::ClientOptions;

/// The limits of a [`Pool`](super::Pool). `Default` has the values named here.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolOptions {
    /// How the sessions are opened, and how long their calls may take. The default of [`ClientOptions`].
    pub client: ClientOptions,
    /// The most sessions at a time, those that are being opened or closed and those that nobody uses counted. When
    /// there are so many, one that nobody uses makes room for another endpoint. Zero counts as one. 64.
    pub connections_max: usize,
    /// The most sessions with one endpoint. Zero counts as one. 4.
    pub connections_per_endpoint_max: usize,
    /// The most messages over one session; behind the last it is closed. 100.
    pub messages_per_connection_max: u32,
    /// How old a session may be to be used again. 10 minutes.
    pub age_max: Duration,
    /// How long a session is kept that nobody uses: less than servers wait (RFC 5321 4.5.3.2.7: 5 minutes). 1 minute.
    pub idle_timeout: Duration,
    /// A session that was not used for so long is asked for a sign of life before it gets a message. 15 seconds.
    pub probe_after: Duration,
    /// How long that sign of life may take. Then the session is taken for dead. 10 seconds.
    pub probe_timeout: Duration,
    /// How long a message may wait for its turn. Opening the session is not counted: that has its own time. 5 minutes.
    pub wait_timeout: Duration,
    /// How long a session may take to end in order. Then it is cut. 10 seconds.
    pub quit_timeout: Duration,
}

impl PoolOptions {
    /// The same, opening sessions with these options.
    #[must_use]
    pub fn with_client(self, client: ClientOptions) -> Self {
        Self { client, ..self }
    }
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            client: ClientOptions::default(),
            connections_max: 64,
            connections_per_endpoint_max: 4,
            messages_per_connection_max: 100,
            age_max: Duration::from_secs(10 * 60),
            idle_timeout: Duration::from_secs(60),
            probe_after: Duration::from_secs(15),
            probe_timeout: Duration::from_secs(10),
            wait_timeout: Duration::from_secs(5 * 60),
            quit_timeout: Duration::from_secs(10),
        }
    }
}
