//! Who sends a request: by the door it came in, a name and password, or a token.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Door;
use crate::admin::token::Owner;
use crate::admin::{Admin, Principal, Problem, ProblemKind};
use crate::directory::{Attempt, LogIn, Service};
use crate::metrics;
use posthaste_wire::Secret;

/// Who sends a request with these fields.
pub(super) async fn principal(
    admin: &Admin,
    door: Option<Door>,
    headers: &HeaderMap,
) -> Result<Principal, Problem> {
    let peer = match door {
        Some(Door::Local) => return Ok(Principal::Local),
        Some(Door::Peer(address)) => Some(address.ip()),
        None => return Err(unauthorized("log in")),
    };
    if peer.is_some_and(|peer| admin.directory().is_banned(peer)) {
        return Err(banned());
    }
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, given) = given.and_then(|given| given.split_once(' ')).unwrap_or_default();
    let given = given.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return by_token(admin, given)
            .ok_or_else(|| unauthorized("the token is wrong or too old: log in again"));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unauthorized("send a name and password, or a token"));
    }
    let decoded = Secret::new(STANDARD.decode(given).unwrap_or_default());
    let Some((user, password)) =
        std::str::from_utf8(decoded.expose()).ok().and_then(|text| text.split_once(':'))
    else {
        return Err(unauthorized("the name and password can not be understood"));
    };
    let attempt = Attempt { service: Service::Api, peer, user, password: password.as_bytes() };
    if user.contains('@') {
        counted(admin.directory().log_in(attempt).await?).map(Principal::Account)
    } else {
        let found = counted(admin.directory().log_in_administrator(attempt).await?)?;
        Ok(Principal::Administrator(found.name.clone()))
    }
}

/// What came of an attempt, and the count of it.
fn counted<T>(answer: LogIn<T>) -> Result<Arc<T>, Problem> {
    let (result, answer) = match answer {
        LogIn::Accepted(found) => ("accepted", Ok(found)),
        LogIn::Refused => ("refused", Err(wrong())),
        LogIn::Banned => ("banned", Err(banned())),
    };
    metrics::login(Service::Api.name(), result);
    answer
}

/// Who a token is of, if they may still come in.
fn by_token(admin: &Admin, token: &str) -> Option<Principal> {
    match admin.0.tokens.owner(token)? {
        // Whoever made it was on the machine; the token may be elsewhere by now.
        Owner::Local => None,
        Owner::Administrator(name, stamp) => {
            let picture = admin.directory().picture();
            let found = picture.administrators().find(|one| one.name == name && one.stamp() == stamp)?;
            Some(Principal::Administrator(found.name.clone()))
        }
        Owner::Account(id, epoch) => {
            let account = admin.directory().account_by_id(id).filter(|account| account.epoch() == epoch)?;
            admin.directory().still_allowed(&account, Service::Api).map(Principal::Account)
        }
    }
}

fn unauthorized(remedy: &str) -> Problem {
    Problem::new(ProblemKind::Unauthorized, "nobody is logged in").remedy(remedy)
}

fn wrong() -> Problem {
    Problem::new(
        ProblemKind::Unauthorized,
        "the name or the password is wrong, or this user may not log in here",
    )
}

fn banned() -> Problem {
    let problem = Problem::new(
        ProblemKind::TooMany,
        "too many wrong passwords have come from this network, or for this name",
    );
    problem.remedy("wait, or let an administrator lift the ban")
}
