//! Many accounts at once, as CSV: made, all or none, and listed. What the text looks like is in [`csv`].

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::operation::{Method, Operation};
use super::super::{Admin, Fault, Password, Principal, Problem, csv, limits};
use super::{add, seen};
use crate::directory::Draft;
use crate::store::Progress;

/// Makes all accounts of a CSV text, or none if one can not be made.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Import {
    /// The text. Its first line names the columns: `address` and `password`, and as wanted `quota`, `first_name`,
    /// `last_name`, `class`.
    pub csv: Password,
}

/// What an import has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// So many accounts.
    pub accounts: u64,
}

/// The accounts that may be seen as CSV, without passwords.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Export {
    /// Only those of this domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// Accounts as CSV.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exported {
    /// The text.
    pub csv: String,
}

impl Operation for Import {
    type Answer = Imported;
    const NAME: &'static str = "account.import";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/import/accounts";
    const SUMMARY: &'static str = "Makes all accounts of a CSV text, or none if one can not be made.";

    async fn run(self, admin: &Admin, who: &Principal, progress: Progress) -> Result<Imported, Problem> {
        let (rows, mut faults) = csv::parse(self.csv.secret().expose())?;
        let _ = admin.try_on(|draft| {
            for (line, row) in &rows {
                if let Err(problem) = add(draft, who, row, None) {
                    faults.push(Fault { line: *line, detail: problem.to_string() });
                }
            }
            Ok(())
        });
        if !faults.is_empty() {
            faults.sort_by_key(|fault| fault.line);
            let problem = Problem::invalid("nothing was imported");
            return Err(Problem { faults, ..problem.remedy("mend these lines and import again") });
        }
        let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let mut hashed = Vec::with_capacity(rows.len());
        for (number, (_, row)) in (1..).zip(rows) {
            let credential = match &row.password {
                Some(password) => Some(admin.directory().credential(password.secret()).await?),
                None => None,
            };
            hashed.push((row, credential));
            progress.tell(number, total);
        }
        let change = |draft: &mut Draft| {
            let mut domains = BTreeSet::new();
            for (row, credential) in &hashed {
                let account = add(draft, who, row, credential.clone())?;
                domains.insert(account.address.domain().to_owned());
            }
            domains.iter().try_for_each(|domain| limits::check(draft, domain))
        };
        admin.directory().change(change).await?;
        Ok(Imported { accounts: total })
    }
}

impl Operation for Export {
    type Answer = Exported;
    const NAME: &'static str = "account.export";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/export/accounts";
    const SUMMARY: &'static str = "The accounts that may be seen as CSV, without passwords.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Exported, Problem> {
        Ok(Exported { csv: csv::write(&seen(admin, who, self.domain.as_deref()).await?) })
    }
}
