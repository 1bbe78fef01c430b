//! Administrators without mailboxes, logging in to the interface, and the first start.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operation::{Method, Operation};
use super::token::{LIFETIME, Owner};
use super::{Admin, Password, Principal, Problem, ProblemKind};
use crate::directory::{Administrator, Draft, Role};
use crate::store::Progress;

/// Who is logged in.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Me {}

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeView {
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
}

/// Lists the administrators without mailboxes.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct List {}

/// Makes an administrator without a mailbox, or gives one another password.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Put {
    /// The name to log in with.
    pub name: String,
    /// The password.
    pub password: Password,
    /// The password once more, where a person typed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Password>,
}

/// Removes an administrator without a mailbox.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Remove {
    /// The name.
    pub name: String,
}

/// Makes a token for the interface, good for some hours.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct LogIn {}

/// Ends a token, whosever it is: who has it could use it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogOut {
    /// The token.
    pub token: Password,
}

/// A token.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// To be sent as `Authorization: Bearer`.
    pub token: String,
    /// For how many seconds it is good.
    pub expires_in: u64,
}

impl Operation for Me {
    type Answer = MeView;
    const NAME: &'static str = "me.show";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/me";
    const SUMMARY: &'static str = "Says who is logged in.";

    async fn run(self, _: &Admin, who: &Principal, _: Progress) -> Result<MeView, Problem> {
        Ok(MeView { name: who.name(), role: who.role() })
    }
}

impl Operation for List {
    type Answer = Vec<String>;
    const NAME: &'static str = "administrator.list";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/administrators";
    const SUMMARY: &'static str = "Lists the administrators without mailboxes.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Vec<String>, Problem> {
        who.must_be_server_admin()?;
        Ok(admin.directory().picture().administrators().map(|one| one.name.clone()).collect())
    }
}

impl Operation for Put {
    type Answer = ();
    const NAME: &'static str = "administrator.put";
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/administrators/{name}";
    const SUMMARY: &'static str = "Makes an administrator without a mailbox, or gives one another password.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        who.must_be_server_admin()?;
        let fits = (1..=64).contains(&self.name.len())
            && self.name.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c));
        if !fits {
            let problem = Problem::invalid(
                "the name of an administrator is 1 to 64 of a-z, A-Z, 0-9, \".\", \"_\", \"-\"",
            );
            return Err(
                problem.remedy("choose another; addresses are names of accounts, which can be given a role")
            );
        }
        if self.confirmation.as_ref().is_some_and(|confirmation| *confirmation != self.password) {
            return Err(Problem::invalid("the two passwords differ").remedy("type the same password twice"));
        }
        if self.password.secret().len() < PASSWORD_MIN {
            let detail = format!("the password of an administrator has {PASSWORD_MIN} characters at least");
            return Err(Problem::invalid(detail).remedy("choose a longer one"));
        }
        let credential = admin.directory().credential(self.password.secret()).await?;
        let change = |draft: &mut Draft| {
            draft.put_administrator(Administrator::new(self.name.clone(), credential.clone()));
            Ok(())
        };
        admin.directory().change(change).await
    }
}

impl Operation for Remove {
    type Answer = ();
    const NAME: &'static str = "administrator.remove";
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/administrators/{name}";
    const SUMMARY: &'static str = "Removes an administrator without a mailbox.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        who.must_be_server_admin()?;
        let change = |draft: &mut Draft| {
            if !draft.administrators().any(|one| one.name == self.name) {
                return Err(Problem::not_found(format_args!("administrator {}", self.name.escape_debug())));
            }
            draft.remove_administrator(&self.name);
            Ok(())
        };
        admin.directory().change(change).await
    }
}

impl Operation for LogIn {
    type Answer = Token;
    const NAME: &'static str = "token.add";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/token";
    const SUMMARY: &'static str = "Makes a token, good for some hours, to be sent instead of the password.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Token, Problem> {
        let token = crate::directory::random_text()?;
        let owner = Owner::of(who, admin.directory());
        let gone = || Problem::not_found(format_args!("administrator {}", who.name()));
        admin.0.tokens.add(&token, owner.ok_or_else(gone)?);
        Ok(Token { token, expires_in: LIFETIME.as_secs() })
    }
}

impl Operation for LogOut {
    type Answer = ();
    const NAME: &'static str = "token.end";
    const METHOD: Method = Method::Post;
    // In the body, because addresses are noted by whatever is in between.
    const PATH: &'static str = "/api/token/end";
    const SUMMARY: &'static str = "Ends a token before its time.";

    async fn run(self, admin: &Admin, _: &Principal, _: Progress) -> Result<(), Problem> {
        admin.0.tokens.remove(self.token.secret().expose());
        Ok(())
    }
}

/// The first start: makes the administrator if there is none yet. With no password given a random one is made, which
/// is in the answer and nowhere else.
///
/// # Errors
///
/// There is one already, or the password is refused.
pub async fn setup(
    admin: &Admin,
    name: &str,
    given: Option<(Password, Password)>,
) -> Result<Option<String>, Problem> {
    if admin.directory().picture().administrators().next().is_some() {
        let problem = Problem::new(ProblemKind::Conflict, "there is an administrator already");
        return Err(problem.remedy("change the password with `posthaste administrator set`"));
    }
    let (password, confirmation, shown) = match given {
        Some((password, confirmation)) => (password, confirmation, None),
        None => {
            let random = crate::directory::random_text()?;
            (Password::new(&random), Password::new(&random), Some(random))
        }
    };
    let put = Put { name: name.to_owned(), password, confirmation: Some(confirmation) };
    put.run(admin, &Principal::Local, Progress::silent()).await?;
    Ok(shown)
}

/// The name of the first administrator, where nobody says another.
pub const FIRST: &str = "admin";

/// The shortest password of an administrator, in octets.
const PASSWORD_MIN: usize = 10;
