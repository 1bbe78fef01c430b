//! Figures for whoever watches the server: what there is to count, under which names, and where it is counted.
//!
//! The names and their labels are those of [`ALL`]; they stay. The guide of the administrator has the same table. The
//! figures are those of the process. Labels are words of this program: no address and no user is ever among them.
//! What `posthaste-tokio` tells of connections comes in by the facade `metrics`.

mod registry;

use std::sync::LazyLock;
use std::time::Duration;

use crate::greylist::Verdict;
use crate::listen::Service;
use crate::session::Context;
use crate::store::StoreError;
use crate::trace::{Event, State};
use registry::Registry;

/// Something that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What kind of figure it is.
    pub kind: Kind,
    /// What its figures are told apart by.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// A kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, while the process runs.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many values were up to each of some bounds, in seconds.
    Histogram,
}

/// All there is, in the order in which it is shown.
pub const ALL: &[Metric] = &[
    BUILD,
    READY,
    SESSIONS,
    SESSIONS_OPEN,
    SESSIONS_REFUSED,
    CONNECTIONS_OPENED,
    CONNECTIONS_CLOSED,
    CONNECTIONS_OPEN,
    CONNECTION_SECONDS,
    OCTETS,
    TIMEOUTS,
    LOGINS,
    MESSAGES,
    MESSAGE_OCTETS,
    REFUSALS,
    GREYLISTED,
    QUOTA_REFUSALS,
    IMAP_COMMANDS,
    OPERATIONS,
    OPERATION_SECONDS,
    COMMITS,
    COMMITTED,
    COMMIT_SECONDS,
    HASHES_WAITING,
    HASH_SECONDS,
    MAILBOXES,
    MAILBOX_OCTETS,
    DISK_FREE,
    CERTIFICATE_EXPIRY,
    CERTIFICATES_ORDERED,
    CERTIFICATE_FAILURES,
    TRACE_LEFT_OUT,
    LOG_LEFT_OUT,
];

const BUILD: Metric =
    gauge("posthaste_build_info", &["version"], "Always 1; the label says which program this is.");
const READY: Metric =
    gauge("posthaste_ready", &[], "1 while the server can do its work, 0 otherwise; see /ready.");
const SESSIONS: Metric = counter("posthaste_sessions_total", &["service"], "Sessions that began.");
const SESSIONS_OPEN: Metric = gauge("posthaste_sessions_open", &["service"], "Sessions there are now.");
const SESSIONS_REFUSED: Metric = counter(
    "posthaste_sessions_refused_total",
    &["service", "reason"],
    "Connections that were closed before a session began.",
);
const CONNECTIONS_OPENED: Metric =
    counter("posthaste_connections_opened_total", &["role"], "Connections that were opened.");
const CONNECTIONS_CLOSED: Metric =
    counter("posthaste_connections_closed_total", &["role", "why"], "Connections that were closed, and why.");
const CONNECTIONS_OPEN: Metric = gauge("posthaste_connections_open", &["role"], "Connections there are now.");
const CONNECTION_SECONDS: Metric =
    histogram("posthaste_connection_seconds", &["role"], "How long connections lasted.");
const OCTETS: Metric = counter(
    "posthaste_octets_total",
    &["role", "direction"],
    "Octets that were said on connections, above TLS, counted at their end.",
);
const TIMEOUTS: Metric = counter("posthaste_timeouts_total", &["which"], "Peers that took too long.");
const LOGINS: Metric = counter("posthaste_logins_total", &["service", "result"], "Attempts to log in.");
const MESSAGES: Metric = counter(
    "posthaste_messages_total",
    &["service", "state"],
    "Changes of the state of messages: received, delivered, refused, dropped.",
);
const MESSAGE_OCTETS: Metric =
    counter("posthaste_message_octets_total", &["service"], "Octets of messages that were received.");
const REFUSALS: Metric = counter(
    "posthaste_refusals_total",
    &["service", "status"],
    "Messages and recipients that were refused, by enhanced status code.",
);
const GREYLISTED: Metric = counter(
    "posthaste_greylisted_total",
    &["result"],
    "Recipients in domains that want greylisting: deferred, passed at another try, known clients, or full.",
);
const QUOTA_REFUSALS: Metric = counter(
    "posthaste_quota_refusals_total",
    &["operation"],
    "Messages for which an account had no room, at RCPT or in an operation of the store.",
);
const IMAP_COMMANDS: Metric =
    counter("posthaste_imap_commands_total", &["command"], "IMAP commands that needed a decision.");
const OPERATIONS: Metric =
    counter("posthaste_store_operations_total", &["operation", "result"], "What was asked of the store.");
const OPERATION_SECONDS: Metric =
    histogram("posthaste_store_operation_seconds", &["operation"], "How long the store took to answer.");
const COMMITS: Metric = counter("posthaste_store_commits_total", &[], "Transactions that were committed.");
const COMMITTED: Metric = counter(
    "posthaste_store_committed_operations_total",
    &[],
    "Operations in those transactions; several share one when there is much to do.",
);
const COMMIT_SECONDS: Metric = histogram(
    "posthaste_store_commit_seconds",
    &[],
    "How long transactions took, from their begin to the disk.",
);
const HASHES_WAITING: Metric =
    gauge("posthaste_password_checks_waiting", &[], "Passwords that are being checked or wait to be.");
const HASH_SECONDS: Metric = histogram(
    "posthaste_password_check_seconds",
    &[],
    "How long a check of a password took, with the waiting.",
);
const MAILBOXES: Metric = gauge("posthaste_index_mailboxes", &[], "Mailboxes in memory.");
const MAILBOX_OCTETS: Metric = gauge("posthaste_index_octets", &[], "Octets that mailboxes in memory take.");
const DISK_FREE: Metric = gauge(
    "posthaste_disk_free_octets",
    &[],
    "Octets that are free on the disk of the data directory; of several, on the one that has least.",
);
const CERTIFICATE_EXPIRY: Metric = gauge(
    "posthaste_certificate_expiry_timestamp_seconds",
    &[],
    "When the first of the certificates that are shown expires, in seconds since 1970.",
);
const CERTIFICATES_ORDERED: Metric =
    counter("posthaste_certificates_ordered_total", &[], "Certificates that an authority has given.");
const CERTIFICATE_FAILURES: Metric =
    counter("posthaste_certificate_failures_total", &[], "Orders of certificates that came to nothing.");
const TRACE_LEFT_OUT: Metric = counter(
    "posthaste_trace_left_out_total",
    &[],
    "Lines of the trace that the disk was too slow or too full for, at least.",
);
const LOG_LEFT_OUT: Metric =
    counter("posthaste_log_left_out_total", &[], "Lines of the log that nobody took in time.");

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::default);

/// Takes in what crates tell by the facade `metrics`. A second call does nothing.
pub fn install() {
    // An error says that somebody takes it in already.
    let _ = ::metrics::set_global_recorder(&*REGISTRY);
    REGISTRY.set(&BUILD, &[env!("CARGO_PKG_VERSION")], 1.0);
    // What never happened is 0, and not unknown.
    for metric in ALL.iter().filter(|metric| metric.kind == Kind::Counter && metric.labels.is_empty()) {
        REGISTRY.count(metric, &[], 0);
    }
}

/// All figures as of now, in the text format of Prometheus. What is not counted but looked up is that of `context`.
pub fn render(context: &Context) -> String {
    REGISTRY.set(&MAILBOXES, &[], number(context.index.mailboxes()));
    REGISTRY.set(&MAILBOX_OCTETS, &[], number(context.index.octets()));
    REGISTRY.set(&HASHES_WAITING, &[], number(context.directory.password_checks()));
    if let Some(free) = context.store.free_space() {
        REGISTRY.set(&DISK_FREE, &[], precise(free));
    }
    let expiry = context.keyring.shown().into_iter().map(|one| one.facts.not_after.as_second()).min();
    if let Some(expiry) = expiry {
        REGISTRY.set(&CERTIFICATE_EXPIRY, &[], precise(u64::try_from(expiry).unwrap_or_default()));
    }
    REGISTRY.render()
}

/// A session, from its begin to its end.
#[derive(Debug)]
pub(crate) struct Session(Service);

impl Session {
    /// One has begun.
    pub(crate) fn begin(service: Service) -> Self {
        REGISTRY.count(&SESSIONS, &[service.name()], 1);
        REGISTRY.add(&SESSIONS_OPEN, &[service.name()], 1.0);
        Self(service)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        REGISTRY.add(&SESSIONS_OPEN, &[self.0.name()], -1.0);
    }
}

/// Somebody was turned away.
pub(crate) fn turned_away(service: Service, reason: &'static str) {
    REGISTRY.count(&SESSIONS_REFUSED, &[service.name(), reason], 1);
}

/// Somebody has tried to log in.
pub(crate) fn login(service: &'static str, result: &'static str) {
    REGISTRY.count(&LOGINS, &[service, result], 1);
}

/// The state of a message has changed.
pub(crate) fn message(event: &Event) {
    REGISTRY.count(&MESSAGES, &[&event.service, event.state.as_str()], 1);
    match event.state {
        State::Received => REGISTRY.count(&MESSAGE_OCTETS, &[&event.service], event.size.unwrap_or_default()),
        State::Refused => REGISTRY.count(&REFUSALS, &[&event.service, status(&event.result)], 1),
        _ => {}
    }
}

/// Greylisting was asked about a recipient.
pub(crate) fn greylisted(verdict: Verdict) {
    REGISTRY.count(&GREYLISTED, &[verdict.as_str()], 1);
}

/// An account has no room.
pub(crate) fn quota_refused(operation: &'static str) {
    REGISTRY.count(&QUOTA_REFUSALS, &[operation], 1);
}

/// A client of IMAP has asked for something.
pub(crate) fn imap_command(command: &'static str) {
    REGISTRY.count(&IMAP_COMMANDS, &[command], 1);
}

/// The store has answered.
pub(crate) fn stored(operation: &'static str, after: Duration, error: Option<&StoreError>) {
    REGISTRY.count(&OPERATIONS, &[operation, error.map_or("ok", word)], 1);
    REGISTRY.record(&OPERATION_SECONDS, &[operation], after.as_secs_f64());
    if matches!(error, Some(StoreError::OverQuota { .. })) {
        quota_refused(operation);
    }
}

/// A transaction is on the disk.
pub(crate) fn committed(operations: usize, after: Duration) {
    REGISTRY.count(&COMMITS, &[], 1);
    REGISTRY.count(&COMMITTED, &[], operations.try_into().unwrap_or(u64::MAX));
    REGISTRY.record(&COMMIT_SECONDS, &[], after.as_secs_f64());
}

/// A password was checked.
pub(crate) fn password_checked(after: Duration) {
    REGISTRY.record(&HASH_SECONDS, &[], after.as_secs_f64());
}

/// Whether the server can do its work.
pub(crate) fn ready(is_ready: bool) {
    REGISTRY.set(&READY, &[], if is_ready { 1.0 } else { 0.0 });
}

/// A certificate was ordered.
pub(crate) fn certificate_ordered(is_given: bool) {
    REGISTRY.count(if is_given { &CERTIFICATES_ORDERED } else { &CERTIFICATE_FAILURES }, &[], 1);
}

/// A line of the trace was left out.
pub(crate) fn trace_left_out() {
    REGISTRY.count(&TRACE_LEFT_OUT, &[], 1);
}

/// A line of the log was left out.
pub(crate) fn log_left_out() {
    REGISTRY.count(&LOG_LEFT_OUT, &[], 1);
}

/// The enhanced status of a reply, or else its code: `550 5.1.1 No such user`.
fn status(result: &str) -> &str {
    let mut words = result.split(' ');
    let code = words.next().unwrap_or_default();
    words.next().filter(|word| word.starts_with(['2', '4', '5']) && word.contains('.')).unwrap_or(code)
}

const fn word(error: &StoreError) -> &'static str {
    match error {
        StoreError::NoSuchAccount => "no_such_account",
        StoreError::NoSuchMailbox => "no_such_mailbox",
        StoreError::NoSuchMessage => "no_such_message",
        StoreError::AlreadyExists => "already_exists",
        StoreError::Conflict(_) => "conflict",
        StoreError::OverQuota { .. } => "over_quota",
        StoreError::Full => "disk_full",
        StoreError::Busy => "busy",
        StoreError::Io { .. } => "io",
        StoreError::Database(_) => "database",
        StoreError::Closed => "closed",
        _ => "refused",
    }
}

fn number(count: usize) -> f64 {
    precise(u64::try_from(count).unwrap_or(u64::MAX))
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "16 digits of a figure are enough")]
const fn precise(count: u64) -> f64 {
    count as f64
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, help }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, labels, help }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_counted_by_its_status() {
        for (result, wanted) in [
            ("550 5.1.1 No such user", "5.1.1"),
            ("452 4.2.2 Mailbox full", "4.2.2"),
            ("421 Try again later", "421"),
            ("554", "554"),
            ("", ""),
        ] {
            assert_eq!(status(result), wanted);
        }
    }
}
