//! Quotas, commands and responses (RFC 9208, section 7).

use super::acl::more;
use super::cursor::{Cursor, Result};
use super::mailbox::mailbox;
use super::string::{astring, atom};
use crate::types::{Command, QuotaLimit, QuotaResource, QuotaUsage, Repairs, Response};
use alloc::vec::Vec;

/// The arguments of SETQUOTA.
pub(super) fn set_quota(cursor: &mut Cursor<'_>) -> Result<Command> {
    let root = astring(cursor, "quota-root-name")?;
    cursor.space("setquota")?;
    let mut limits = Vec::new();
    cursor.list("setquota-list", 0, |cursor| {
        let resource = QuotaResource::named(atom(cursor, "resource-name")?);
        cursor.space("setquota-resource")?;
        limits.push(QuotaLimit { resource, limit: cursor.number64("resource-limit")? });
        Ok(())
    })?;
    Ok(Command::SetQuota { root, limits })
}

/// `quota-response`
pub(super) fn quota(cursor: &mut Cursor<'_>) -> Result<Response> {
    let root = astring(cursor, "quota-root-name")?;
    cursor.space("quota-response")?;
    let mut resources = Vec::new();
    if super::string::nil(cursor) {
        cursor.repair(Repairs::ODD_LIST);
        return Ok(Response::Quota { root, resources });
    }
    cursor.list("quota-list", 0, |cursor| {
        let resource = QuotaResource::named(atom(cursor, "resource-name")?);
        cursor.space("quota-resource")?;
        let usage = cursor.lenient_number("resource-usage")?;
        cursor.space("quota-resource")?;
        resources.push(QuotaUsage { resource, usage, limit: cursor.lenient_number("resource-limit")? });
        Ok(())
    })?;
    Ok(Response::Quota { root, resources })
}

/// `quotaroot-response`
pub(super) fn quota_root(cursor: &mut Cursor<'_>) -> Result<Response> {
    let mailbox = mailbox(cursor)?;
    let mut roots = Vec::new();
    while more(cursor)? {
        cursor.bound(roots.len(), cursor.context.limits.list_max, "quotaroot-response")?;
        roots.push(astring(cursor, "quota-root-name")?);
    }
    Ok(Response::QuotaRoot { mailbox, roots })
}
