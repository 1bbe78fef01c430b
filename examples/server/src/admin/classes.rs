//! Classes of accounts: changing one is in force for all its accounts at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operation::{Method, Operation};
use super::{Admin, Principal, Problem, ProblemKind, limits};
use crate::directory::{Class, Draft};
use crate::store::Progress;

/// Lists the classes.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct List {}

/// Makes or replaces a class.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Put {
    /// Its name.
    pub class: String,
    /// Octets that an account may keep.
    #[serde(default)]
    pub quota: Option<u64>,
    /// Messages that an account may keep.
    #[serde(default)]
    pub quota_messages: Option<u64>,
    /// Octets of one message.
    #[serde(default)]
    pub message_size: Option<u64>,
}

/// Removes a class that no account is of.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Remove {
    /// Its name.
    pub class: String,
}

impl Operation for List {
    type Answer = Vec<Class>;
    const NAME: &'static str = "class.list";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/classes";
    const SUMMARY: &'static str = "Lists the classes of accounts.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Vec<Class>, Problem> {
        who.must_administer_something()?;
        Ok(admin.directory().picture().classes().map(|class| Class::clone(class)).collect())
    }
}

impl Operation for Put {
    type Answer = Class;
    const NAME: &'static str = "class.put";
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/classes/{class}";
    const SUMMARY: &'static str = "Makes or replaces a class; in force for all its accounts at once.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Class, Problem> {
        who.must_be_server_admin()?;
        let Self { class: name, quota, quota_messages, message_size } = self;
        let fits = (1..=64).contains(&name.len()) && !name.chars().any(|c| c.is_control() || c == '/');
        if !fits {
            let problem =
                Problem::invalid(format!("{:?} can not be the name of a class", name.escape_debug()));
            return Err(problem.remedy("write 1 to 64 octets without slashes and controls"));
        }
        limits::not_zero(&[
            ("quota", quota),
            ("quota_messages", quota_messages),
            ("message_size", message_size),
        ])?;
        let class = Class { name, quota, quota_messages, message_size };
        let change = |draft: &mut Draft| {
            draft.put_class(class.clone());
            limits::check_all(draft)?;
            Ok(class.clone())
        };
        admin.directory().change(change).await
    }
}

impl Operation for Remove {
    type Answer = ();
    const NAME: &'static str = "class.remove";
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/classes/{class}";
    const SUMMARY: &'static str = "Removes a class that no account is of.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        who.must_be_server_admin()?;
        let name = self.class;
        let change = |draft: &mut Draft| {
            must_exist(draft, &name)?;
            let of_it = draft.accounts().filter(|account| account.class.as_deref() == Some(&name)).count();
            if of_it > 0 {
                let detail = format!("{of_it} accounts are of the class {name}");
                return Err(
                    Problem::new(ProblemKind::Conflict, detail).remedy("give them another class first")
                );
            }
            draft.remove_class(&name);
            Ok(())
        };
        admin.directory().change(change).await
    }
}

/// Refuses the name of a class that is not there.
pub(super) fn must_exist(draft: &Draft, name: &str) -> Result<(), Problem> {
    match draft.class(name) {
        Some(_) => Ok(()),
        None => {
            Err(Problem::not_found(format_args!("class {name}")).remedy("make it with `posthaste class set`"))
        }
    }
}
