//! The part of the configuration that says how long mail of unknown clients waits, in domains that want that.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use posthaste_tokio::Network;
use serde::Deserialize;

use super::serving::networks;
use super::{Config, count};
use crate::greylist::Policy;

/// Greylisting (RFC 6647): how long unknown clients wait. Which domains want it is their own setting.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Greylisting {
    /// Seconds after which mail that was refused for now is taken when it is tried again.
    #[serde(deserialize_with = "count")]
    pub delay_seconds: u32,
    /// Hours after which it is new again.
    #[serde(deserialize_with = "count")]
    pub retry_hours: u32,
    /// Days for which is remembered who has passed, from when they last wrote.
    #[serde(deserialize_with = "count")]
    pub remember_days: u32,
    /// How often a network has to pass until none of its mail waits any more.
    #[serde(deserialize_with = "count")]
    pub known_after: u32,
    /// Networks whose mail never waits, as those of a second mail server. By default the machine itself.
    #[serde(deserialize_with = "networks")]
    pub exempt: Vec<Network>,
}

impl Default for Greylisting {
    fn default() -> Self {
        let loopback = [(IpAddr::from([127, 0, 0, 0]), 8), (Ipv6Addr::LOCALHOST.into(), 128)];
        let exempt = loopback.into_iter().filter_map(|(address, bits)| Network::new(address, bits)).collect();
        Self { delay_seconds: 60, retry_hours: 24, remember_days: 35, known_after: 3, exempt }
    }
}

impl Config {
    /// What greylisting goes by.
    pub fn greylist_policy(&self) -> Policy {
        let Greylisting { delay_seconds, retry_hours, remember_days, known_after, exempt } =
            &self.greylisting;
        let seconds = |count: &u32, unit: u64| Duration::from_secs(u64::from(*count).saturating_mul(unit));
        Policy {
            delay: seconds(delay_seconds, 1),
            retry: seconds(retry_hours, 60 * 60),
            remember: seconds(remember_days, 24 * 60 * 60),
            known_after: *known_after,
            exempt: exempt.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(tail: &str) -> Result<Config, String> {
        let text = format!("hostname = \"mail.test\"\ndata = \"d\"\n{tail}");
        Config::parse(&text, Path::new("x.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn u6_the_defaults_are_those_of_rfc_6647() {
        let policy = parse("").unwrap().greylist_policy();
        // 5, 2: one minute to 24 hours; 5, 3: a week at least.
        assert_eq!((policy.delay, policy.retry), (Duration::from_secs(60), Duration::from_secs(86_400)));
        assert!(policy.remember >= Duration::from_secs(7 * 86_400));
        let text = "[greylisting]\ndelay_seconds = 300\nremember_days = 7\nexempt = [\"192.0.2.0/24\"]\n";
        let policy = parse(text).unwrap().greylist_policy();
        assert_eq!(policy.delay, Duration::from_secs(300));
        assert_eq!((policy.remember, policy.exempt.len()), (Duration::from_secs(7 * 86_400), 1));
        for key in ["delay_seconds", "retry_hours", "remember_days", "known_after"] {
            let error = parse(&format!("[greylisting]\n{key} = 0\n")).unwrap_err();
            assert!(error.contains("x.toml:4:") && error.contains("above 0"), "{error}");
        }
    }
}
