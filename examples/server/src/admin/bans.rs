//! Who is shut out for guessing passwords: listed, lifted, and made by hand.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operation::{Method, Operation};
use super::{Admin, Principal, Problem};
use crate::directory::{Ban, BanSubject};
use crate::store::Progress;

/// Lists who is shut out.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct List {}

/// Shuts a network out.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Add {
    /// An address of it: itself for IPv4, its /64 for IPv6.
    pub network: std::net::IpAddr,
    /// For how many seconds.
    pub seconds: u64,
}

/// Lets somebody in again.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Lift {
    /// An address, or a user name.
    pub who: String,
}

impl Operation for List {
    type Answer = Vec<Ban>;
    const NAME: &'static str = "ban.list";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/bans";
    const SUMMARY: &'static str = "Lists who is shut out for guessing passwords.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Vec<Ban>, Problem> {
        who.must_be_server_admin()?;
        Ok(admin.directory().bans())
    }
}

impl Operation for Add {
    type Answer = ();
    const NAME: &'static str = "ban.add";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/bans";
    const SUMMARY: &'static str = "Shuts a network out for a time.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        who.must_be_server_admin()?;
        if !(1..=SECONDS_MAX).contains(&self.seconds) {
            return Err(Problem::invalid(format!("a ban lasts 1 to {SECONDS_MAX} seconds")));
        }
        if admin.directory().is_exempt_from_bans(self.network) {
            let problem = Problem::invalid(format!("{} is never shut out", self.network));
            return Err(problem.remedy("take it out of `exempt` under [bans] first"));
        }
        admin.directory().ban(BanSubject::Network(self.network), Duration::from_secs(self.seconds));
        write(admin).await;
        Ok(())
    }
}

impl Operation for Lift {
    type Answer = ();
    const NAME: &'static str = "ban.lift";
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/bans/{who}";
    const SUMMARY: &'static str = "Lets somebody in again.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        who.must_be_server_admin()?;
        let subject = match self.who.parse() {
            Ok(address) => BanSubject::Network(address),
            Err(_) => BanSubject::User(self.who.clone()),
        };
        if admin.directory().lift_ban(subject) {
            write(admin).await;
            Ok(())
        } else {
            Err(Problem::not_found(format_args!("ban of {}", self.who.escape_debug())))
        }
    }
}

/// So that it is so after a restart as well. It is so now in any case, and is tried again before long.
async fn write(admin: &Admin) {
    if let Err(error) = admin.directory().write_bans().await {
        tracing::warn!(%error, "bans were not written");
    }
}

/// A year.
const SECONDS_MAX: u64 = 365 * 24 * 60 * 60;
