//! The parts of the configuration that say how people log in, what guessing leads to, and what is done by itself.

use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use posthaste_tokio::Network;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::serving::networks;
use super::{Config, count};
use crate::directory::{BanPolicy, HashCost, Options};

/// What new passwords cost whoever guesses them. Those that cost less are hashed again at the next log-in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Passwords {
    /// Memory of argon2id, in MiB, 19 at least. So much is taken at the same time for each processor.
    #[serde(deserialize_with = "memory")]
    pub argon2_memory: u32,
    /// Passes of argon2id over it, 2 at least.
    #[serde(deserialize_with = "passes")]
    pub argon2_passes: u32,
    /// Iterations of SCRAM keys (RFC 7677 4). Those of old users change when they next send their password.
    #[serde(deserialize_with = "iterations")]
    pub scram_iterations: u32,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { argon2_memory: 19, argon2_passes: 2, scram_iterations: posthaste_sasl::ITERATIONS_DEFAULT }
    }
}

/// Logging in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// Whether passwords may be sent without TLS, on the ports for STARTTLS. For trying out only.
    pub plaintext: bool,
}

/// When peers that guess passwords are shut out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bans {
    /// Failures from one network within the window that make a ban.
    #[serde(deserialize_with = "count")]
    pub failures: u32,
    /// The window, in minutes.
    #[serde(deserialize_with = "count")]
    pub window_minutes: u32,
    /// How long a ban lasts, in minutes.
    #[serde(deserialize_with = "count")]
    pub minutes: u32,
    /// Failures with one name after which it is checked at intervals only.
    #[serde(deserialize_with = "count")]
    pub user_failures: u32,
    /// Networks that are never banned, as `"192.0.2.10"` of a webmail or `"10.0.0.0/8"`: one of its users is not to
    /// shut out the others. By default the machine itself.
    #[serde(deserialize_with = "networks")]
    pub exempt: Vec<Network>,
}

impl Default for Bans {
    fn default() -> Self {
        let loopback = [(IpAddr::from([127, 0, 0, 0]), 8), (Ipv6Addr::LOCALHOST.into(), 128)];
        let exempt = loopback.into_iter().filter_map(|(address, bits)| Network::new(address, bits)).collect();
        Self { failures: 20, window_minutes: 10, minutes: 60, user_failures: 10, exempt }
    }
}

/// The HTTP interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Names under which browsers see the interface, besides `hostname` and the names of the machine itself: those of
    /// a web server in front.
    #[serde(deserialize_with = "names")]
    pub names: Vec<String>,
    /// Whether programs on the machine itself read `/metrics` without a password. Not with a web server in front,
    /// whose clients would be taken for such programs.
    pub open_metrics: bool,
}

/// Copies of the store, made by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backups {
    /// Where: each is a directory in this one, named after its time. A relative path counts from the directory of
    /// the file.
    pub directory: PathBuf,
    /// How many hours from one to the next.
    #[serde(default = "day", deserialize_with = "count")]
    pub every_hours: u32,
    /// How many are kept.
    #[serde(default = "week", deserialize_with = "count")]
    pub keep: u32,
}

const fn day() -> u32 {
    24
}

const fn week() -> u32 {
    7
}

impl Config {
    /// What the directory is opened with.
    pub fn directory_options(&self) -> Options {
        let minutes = |minutes: u32| Duration::from_secs(u64::from(minutes).saturating_mul(60));
        Options {
            cost: HashCost {
                memory_kib: self.passwords.argon2_memory.saturating_mul(1024),
                passes: self.passwords.argon2_passes,
                lanes: 1,
            },
            scram_iterations: self.passwords.scram_iterations,
            bans: BanPolicy {
                failures: self.bans.failures,
                window: minutes(self.bans.window_minutes),
                duration: minutes(self.bans.minutes),
                user_failures: self.bans.user_failures,
                exempt: self.bans.exempt.clone(),
            },
            deleted_octets: self.retention.deleted_size,
        }
    }
}

fn names<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let name = |name: &String| {
        let normal = crate::directory::normalise_domain(name);
        normal.map_err(|error| D::Error::custom(format!("{error}; names are DNS names, without a port")))
    };
    Vec::<String>::deserialize(from)?.iter().map(name).collect()
}

fn memory<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    within(from, 19, 256, "argon2_memory is in MiB")
}

fn passes<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    within(from, 2, 16, "argon2_passes are passes over the memory")
}

fn iterations<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    within(
        from,
        posthaste_sasl::ITERATIONS_MIN,
        posthaste_sasl::ITERATIONS_MAX,
        "scram_iterations are repetitions",
    )
}

fn within<'de, D: Deserializer<'de>>(from: D, min: u32, max: u32, what: &str) -> Result<u32, D::Error> {
    let number = u32::deserialize(from)?;
    if (min..=max).contains(&number) {
        Ok(number)
    } else {
        Err(D::Error::custom(format!(
            "{what}: write a number from {min} to {max}, or remove it for the default"
        )))
    }
}
