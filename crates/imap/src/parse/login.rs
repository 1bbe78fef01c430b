//! LOGIN (RFC 9051, section 6.2.3).

use super::cursor::{Cursor, Result};
use super::string::{astring, astring_octets};
use crate::types::Login;
use posthaste_wire::Secret;

pub(super) fn login(cursor: &mut Cursor<'_>) -> Result<Login> {
    cursor.secret = true;
    let user = astring(cursor, "userid")?;
    cursor.space("login")?;
    let password = astring_octets(cursor, "password")?;
    Login::new(user, Secret::from(password.as_ref())).or_else(|_| cursor.fail("password"))
}
