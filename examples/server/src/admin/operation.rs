//! What an operation is, and the list of all: from it come the HTTP interface, its description, the requests of the
//! commands, and the test that nobody does what they may not.

use std::pin::Pin;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{
    Admin, Principal, Problem, accounts, administrators, app_passwords, bans, certificates, classes, domains,
    mail, mailboxes, names, upkeep, usage,
};
use crate::store::Progress;

/// Something an administrator or a user can ask for.
pub trait Operation: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What comes back.
    type Answer: Serialize + DeserializeOwned + JsonSchema + Send + 'static;

    /// What it is called: a thing, a dot, and what is done.
    const NAME: &'static str;
    /// The method of HTTP.
    const METHOD: Method;
    /// The path of HTTP. What is in braces is the field of that name of the request.
    const PATH: &'static str;
    /// What it does, in a sentence.
    const SUMMARY: &'static str;

    /// Does it. Long work tells `progress`.
    fn run(
        self,
        admin: &Admin,
        who: &Principal,
        progress: Progress,
    ) -> impl Future<Output = Result<Self::Answer, Problem>> + Send;
}

/// A method of HTTP. `Get` and `Delete` have what is not in the path in the query, the others in a JSON body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Looks.
    Get,
    /// Does something, or makes something.
    Post,
    /// Makes or replaces.
    Put,
    /// Changes what is named in the body.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether there is a body.
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }
}

/// An operation, without its types.
#[derive(Clone, Copy)]
pub struct Route {
    /// [`Operation::NAME`].
    pub name: &'static str,
    /// [`Operation::METHOD`].
    pub method: Method,
    /// [`Operation::PATH`].
    pub path: &'static str,
    /// [`Operation::SUMMARY`].
    pub summary: &'static str,
    /// What a request looks like.
    pub request: fn(&mut SchemaGenerator) -> Schema,
    /// What an answer looks like.
    pub answer: fn(&mut SchemaGenerator) -> Schema,
    run: fn(Admin, Principal, Value, Progress) -> Running,
}

/// An operation that is being done.
type Running = Pin<Box<dyn Future<Output = Result<Value, Problem>> + Send>>;

impl Route {
    /// The route of an operation.
    pub const fn of<O: Operation>() -> Self {
        Self {
            name: O::NAME,
            method: O::METHOD,
            path: O::PATH,
            summary: O::SUMMARY,
            request: SchemaGenerator::subschema_for::<O>,
            answer: SchemaGenerator::subschema_for::<O::Answer>,
            run: |admin, who, request, progress| Box::pin(run::<O>(admin, who, request, progress)),
        }
    }

    /// Does what a request says.
    pub fn run(&self, admin: Admin, who: Principal, request: Value, progress: Progress) -> Running {
        (self.run)(admin, who, request, progress)
    }

    /// The fields of the request that are in the path.
    pub fn path_fields(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method.as_str(), self.path)
    }
}

async fn run<O: Operation>(
    admin: Admin,
    who: Principal,
    request: Value,
    progress: Progress,
) -> Result<Value, Problem> {
    let request: O = serde_json::from_value(request).map_err(|error| Problem::invalid(error.to_string()))?;
    let outcome = request.run(&admin, &who, progress).await;
    if O::METHOD != Method::Get {
        match &outcome {
            Ok(_) => tracing::info!(who = %who.name().escape_debug(), what = O::NAME, "administration"),
            Err(problem) => {
                let reason = problem.detail.escape_debug();
                tracing::info!(who = %who.name().escape_debug(), what = O::NAME, %reason, "administration refused");
            }
        }
    }
    serde_json::to_value(outcome?).map_err(|error| Problem::invalid(error.to_string()))
}

/// Tells a field that is `null` from one that is not there: with `default`, which is for the latter.
pub(super) fn given<'de, D, T>(from: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(from).map(Some)
}

/// All operations.
pub fn routes() -> Vec<Route> {
    vec![
        Route::of::<domains::List>(),
        Route::of::<domains::Show>(),
        Route::of::<domains::Add>(),
        Route::of::<domains::Set>(),
        Route::of::<domains::Remove>(),
        Route::of::<accounts::List>(),
        Route::of::<accounts::Show>(),
        Route::of::<accounts::Add>(),
        Route::of::<accounts::Set>(),
        Route::of::<accounts::Rename>(),
        Route::of::<accounts::Empty>(),
        Route::of::<accounts::Unlock>(),
        Route::of::<accounts::Remove>(),
        Route::of::<accounts::SetPassword>(),
        Route::of::<accounts::Import>(),
        Route::of::<accounts::Export>(),
        Route::of::<app_passwords::List>(),
        Route::of::<app_passwords::Add>(),
        Route::of::<app_passwords::Revoke>(),
        Route::of::<names::ListAliases>(),
        Route::of::<names::PutAlias>(),
        Route::of::<names::RemoveAlias>(),
        Route::of::<names::ListGroups>(),
        Route::of::<names::PutGroup>(),
        Route::of::<names::RemoveGroup>(),
        Route::of::<classes::List>(),
        Route::of::<classes::Put>(),
        Route::of::<classes::Remove>(),
        Route::of::<usage::List>(),
        Route::of::<bans::List>(),
        Route::of::<bans::Add>(),
        Route::of::<bans::Lift>(),
        Route::of::<certificates::List>(),
        Route::of::<certificates::Renew>(),
        Route::of::<administrators::Me>(),
        Route::of::<administrators::List>(),
        Route::of::<administrators::Put>(),
        Route::of::<administrators::Remove>(),
        Route::of::<administrators::LogIn>(),
        Route::of::<administrators::LogOut>(),
        Route::of::<upkeep::Version>(),
        Route::of::<upkeep::Check>(),
        Route::of::<upkeep::Backup>(),
        Route::of::<upkeep::ListDeleted>(),
        Route::of::<upkeep::Undelete>(),
        Route::of::<upkeep::Trace>(),
        Route::of::<mailboxes::List>(),
        Route::of::<mailboxes::Create>(),
        Route::of::<mailboxes::Rename>(),
        Route::of::<mailboxes::Delete>(),
        Route::of::<mailboxes::Grant>(),
        Route::of::<mail::Export>(),
        Route::of::<mail::Import>(),
        Route::of::<mail::Restore>(),
    ]
}
