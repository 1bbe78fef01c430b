//! Greylisting (RFC 6647): mail of a client that nobody here knows is refused for now, and taken when it is tried again.
//!
//! What is remembered is a network of clients (24 bits of IPv4, 64 of IPv6, so that servers that share a queue are one),
//! with whom they write for and to whom: sender and recipient as a hash. What was refused for the first time passes when
//! it comes again within a range of time (RFC 6647 5, 2), is remembered for some weeks, and a network that has passed a
//! few times is known: nothing of it waits any more (5, 1 and 3). The empty sender of reports is a sender like any
//! other, as RFC 6647 makes no difference.
//!
//! Nobody is refused for good by this. Memory is bounded (`table`): where it is full of newcomers, those who come then are
//! let in at once. All of it is in memory, and is written to a file of the data directory now and then (`file`); what is
//! lost when the server does not end in order makes somebody wait once more.
//!
//! Whether a domain wants this is a setting of the domain, and who is asked is decided by the session of SMTP.

mod file;
mod table;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use posthaste_tokio::Network;
use sha2::{Digest, Sha256};

use crate::store::InternalDate;
use table::{Ages, Key, Table};

/// When a client waits, and for how long it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What is tried again before this is over has to wait on (RFC 6647 5, 2).
    pub delay: Duration,
    /// What is tried again after this is new.
    pub retry: Duration,
    /// So long is remembered what has passed, and who is known, from when they last wrote.
    pub remember: Duration,
    /// So many times has a network to pass until it is known; once in each [`delay`](Self::delay) counts.
    pub known_after: u32,
    /// Networks that never wait (RFC 6647 5, 6).
    pub exempt: Vec<Network>,
}

/// What becomes of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is refused for now.
    Deferred,
    /// It was refused before, and now is not.
    Passed,
    /// The client is known, or exempt.
    Known,
    /// Nothing more can be remembered, so nobody new is made to wait.
    Full,
}

impl Verdict {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deferred => "deferred",
            Self::Passed => "passed",
            Self::Known => "known",
            Self::Full => "full",
        }
    }
}

/// Who has written, and who waits. Clones share it.
#[derive(Debug, Clone)]
pub struct Greylist(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    policy: Policy,
    path: PathBuf,
    table: Mutex<Table>,
    /// One writes at a time.
    writing: tokio::sync::Mutex<()>,
}

impl Greylist {
    /// Takes up what the file in a data directory says; where there is none, or it cannot be read, nobody is known.
    pub fn open(data: &Path, policy: Policy) -> Self {
        let path = data.join(FILE);
        let table = file::read(&path).unwrap_or_else(|error| {
            tracing::warn!(%error, path = %path.display(), "greylisting begins anew");
            Table::default()
        });
        let shared =
            Shared { policy, path, table: Mutex::new(table), writing: tokio::sync::Mutex::default() };
        Self(Arc::new(shared))
    }

    /// What becomes of a recipient of this sender, brought by this client; it is remembered. The sender is empty for
    /// `<>`.
    pub fn judge(&self, client: IpAddr, sender: &str, recipient: &str) -> Verdict {
        self.judge_at(InternalDate::now().seconds, client, sender, recipient)
    }

    fn judge_at(&self, now: i64, client: IpAddr, sender: &str, recipient: &str) -> Verdict {
        let policy = &self.0.policy;
        let client = client.to_canonical();
        let bits = if client.is_ipv4() { IPV4_BITS } else { IPV6_BITS };
        match Network::new(client, bits) {
            Some(network) if !policy.exempt.iter().any(|exempt| exempt.contains(client)) => {
                self.table().judge(now, network, key(sender, recipient), &Ages::of(policy))
            }
            _ => Verdict::Known,
        }
    }

    /// Forgets what is over, and writes down what has changed: to be called every now and then, and at the end.
    ///
    /// # Errors
    ///
    /// What the system says. It is tried again the next time.
    pub async fn write(&self) -> std::io::Result<()> {
        let _writing = self.0.writing.lock().await;
        let Some(table) = self.table().changed(InternalDate::now().seconds, &Ages::of(&self.0.policy)) else {
            return Ok(());
        };
        let path = self.0.path.clone();
        let written = tokio::task::spawn_blocking(move || file::write(&path, &table)).await;
        let written = written.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        if written.is_err() {
            self.table().set_changed();
        }
        written
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is remembered of sender and recipient.
fn key(sender: &str, recipient: &str) -> Key {
    let mut hash = Sha256::new();
    hash.update(steady(sender));
    hash.update([0]);
    hash.update(recipient.to_lowercase());
    let hash: [u8; 32] = hash.finalize().into();
    let mut key = Key::default();
    for (octet, hashed) in key.iter_mut().zip(hash) {
        *octet = hashed;
    }
    key
}

/// A sender without what some clients write anew for each try (RFC 6647 4.2): what follows a `+`, and which digits they
/// are.
fn steady(sender: &str) -> String {
    let (local, domain) = sender.rsplit_once('@').unwrap_or((sender, ""));
    let local = local.split_once('+').map_or(local, |(local, _)| local);
    let mut steady = String::with_capacity(sender.len());
    for c in local.chars() {
        match c {
            '0'..='9' if steady.ends_with('0') => {}
            '0'..='9' => steady.push('0'),
            c => steady.extend(c.to_lowercase()),
        }
    }
    steady.push('@');
    steady.push_str(&domain.to_lowercase());
    steady
}

/// The file in the data directory.
const FILE: &str = "greylist.jsonl";

const IPV4_BITS: u8 = 24;
const IPV6_BITS: u8 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            delay: Duration::from_secs(60),
            retry: Duration::from_secs(86_400),
            remember: Duration::from_secs(35 * 86_400),
            known_after: 3,
            exempt: vec!["198.51.100.0/24".parse().unwrap()],
        }
    }

    fn judge(list: &Greylist, now: i64, client: &str, sender: &str) -> Verdict {
        list.judge_at(now, client.parse().unwrap(), sender, "anna@x.test")
    }

    #[test]
    fn u6_networks_of_clients_are_one_and_exempt_ones_never_wait() {
        let data = tempfile::tempdir().unwrap();
        let list = Greylist::open(data.path(), policy());
        for (first, again, other) in [
            ("192.0.2.1", "::ffff:192.0.2.200", "192.0.3.1"),
            ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"),
        ] {
            assert_eq!(judge(&list, 1000, first, "a@b.test"), Verdict::Deferred);
            assert_eq!(judge(&list, 1060, again, "a@b.test"), Verdict::Passed);
            assert_eq!(judge(&list, 1060, other, "a@b.test"), Verdict::Deferred);
        }
        assert_eq!(judge(&list, 1000, "198.51.100.9", "a@b.test"), Verdict::Known);
    }

    #[test]
    fn u6_a_sender_that_is_written_anew_for_each_try_is_the_same() {
        for (one, other) in [
            ("list-bounces+4711-anna=x.test@b.test", "List-Bounces+9@B.test"),
            ("prvs=1234567890=a@b.test", "prvs=98=a@b.test"),
            ("", ""),
        ] {
            assert_eq!(steady(one), steady(other));
        }
        for (one, other) in [("a@b.test", "c@b.test"), ("a@b.test", "a@c.test"), ("", "a"), ("a1@b", "a@b")] {
            assert_ne!(steady(one), steady(other));
        }
        assert_ne!(key("a@b.test", "c@x.test"), key("a@b.testc", "@x.test"));
    }

    #[tokio::test]
    async fn u6_what_was_written_is_known_after_a_restart() {
        let data = tempfile::tempdir().unwrap();
        let now = InternalDate::now().seconds;
        let list = Greylist::open(data.path(), policy());
        list.write().await.unwrap();
        assert!(!data.path().join(FILE).exists(), "there is nothing to write");
        assert_eq!(judge(&list, now - 100, "192.0.2.1", "waits@b.test"), Verdict::Deferred);
        for (at, sender) in [(300, "a@b.test"), (200, "c@b.test"), (100, "e@b.test")] {
            judge(&list, now - at - 70, "203.0.113.1", sender);
            assert_eq!(judge(&list, now - at, "203.0.113.1", sender), Verdict::Passed, "{sender}");
        }
        list.write().await.unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(data.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
        let again = Greylist::open(data.path(), policy());
        assert_eq!(judge(&again, now, "192.0.2.1", "waits@b.test"), Verdict::Passed);
        assert_eq!(judge(&again, now, "203.0.113.9", "new@b.test"), Verdict::Known);
        assert_eq!(judge(&again, now, "192.0.3.1", "new@b.test"), Verdict::Deferred);
        // A file that somebody else has written to is read as far as it can be.
        let text = std::fs::read_to_string(data.path().join(FILE)).unwrap();
        std::fs::write(data.path().join(FILE), format!("nonsense\n{{\"network\":\"x\"}}\n{text}{{\"netw"))
            .unwrap();
        let again = Greylist::open(data.path(), policy());
        assert_eq!(judge(&again, now, "203.0.113.9", "new@b.test"), Verdict::Known);
        std::fs::write(data.path().join(FILE), [0xff, 0xfe, b'\n', 0]).unwrap();
        let again = Greylist::open(data.path(), policy());
        assert_eq!(judge(&again, now, "203.0.113.9", "new@b.test"), Verdict::Deferred);
    }

    #[tokio::test]
    async fn u6_a_file_that_cannot_be_written_is_written_the_next_time() {
        let data = tempfile::tempdir().unwrap();
        let list = Greylist::open(&data.path().join("missing"), policy());
        let now = InternalDate::now().seconds;
        judge(&list, now - 100, "192.0.2.1", "a@b.test");
        assert!(list.write().await.is_err());
        std::fs::create_dir(data.path().join("missing")).unwrap();
        list.write().await.unwrap();
        let again = Greylist::open(&data.path().join("missing"), policy());
        assert_eq!(judge(&again, now, "192.0.2.1", "a@b.test"), Verdict::Passed);
    }
}
