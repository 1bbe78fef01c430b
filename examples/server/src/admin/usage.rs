//! Who keeps how much, and how near to their limit they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operation::{Method, Operation};
use super::{Admin, Principal, Problem, accounts};
use crate::directory::Address;
use crate::store::Progress;

/// Lists what accounts keep.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct List {
    /// Only those of this domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// In which order.
    #[serde(default)]
    pub order: Order,
    /// Only the first so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top: Option<u32>,
    /// Only those that use so many percent of what they may keep, or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<u32>,
}

/// An order of accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Who keeps the most octets, first.
    #[default]
    Size,
    /// Who uses most of what they may keep, first.
    Share,
    /// By address.
    Address,
}

/// What an account keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageView {
    /// Whose.
    pub address: Address,
    /// Octets.
    pub used: u64,
    /// Octets it may keep.
    pub room: Option<u64>,
    /// Messages.
    pub messages: u64,
    /// Messages it may keep.
    pub room_messages: Option<u64>,
    /// Octets of messages that were deleted and can be had back.
    #[serde(default)]
    pub deleted: u64,
    /// Those messages.
    #[serde(default)]
    pub deleted_messages: u64,
    /// Percent of what it may keep, of octets or messages, whichever is more.
    pub percent: Option<u32>,
}

impl Operation for List {
    type Answer = Vec<UsageView>;
    const NAME: &'static str = "usage.list";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/usage";
    const SUMMARY: &'static str = "Lists what accounts keep and may keep.";

    async fn run(
        self,
        admin: &Admin,
        who: &Principal,
        progress: Progress,
    ) -> Result<Vec<UsageView>, Problem> {
        let accounts = accounts::List { domain: self.domain }.run(admin, who, progress).await?;
        let mut usages: Vec<UsageView> = accounts
            .into_iter()
            .map(|account| UsageView {
                percent: [(account.used, account.room), (account.used_messages, account.room_messages)]
                    .into_iter()
                    .filter_map(|(used, room)| percent(used, room?))
                    .max(),
                address: account.address,
                used: account.used,
                room: account.room,
                messages: account.used_messages,
                room_messages: account.room_messages,
                deleted: account.deleted,
                deleted_messages: account.deleted_messages,
            })
            .filter(|usage| self.above.is_none_or(|above| usage.percent.is_some_and(|it| it >= above)))
            .collect();
        match self.order {
            Order::Size => usages.sort_by_key(|usage| std::cmp::Reverse(usage.used)),
            Order::Share => usages.sort_by_key(|usage| std::cmp::Reverse(usage.percent)),
            Order::Address => {}
        }
        if let Some(top) = self.top {
            usages.truncate(usize::try_from(top).unwrap_or(usize::MAX));
        }
        Ok(usages)
    }
}

fn percent(used: u64, room: u64) -> Option<u32> {
    let percent = u128::from(used).checked_mul(100)?.checked_div(u128::from(room))?;
    u32::try_from(percent).ok()
}
