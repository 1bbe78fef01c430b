//! The limits of domains: whether what a draft has in a domain is within them.

use super::Problem;
use crate::directory::{Entry, Picture};

/// Refuses 0 where a number is what may be kept: some would take it for no limit, some for nothing at all.
pub(super) fn not_zero(numbers: &[(&str, Option<u64>)]) -> Result<(), Problem> {
    match numbers.iter().find(|(_, number)| *number == Some(0)) {
        None => Ok(()),
        Some((name, _)) => Err(Problem::invalid(format!("{name} is 0, which would let nothing through"))
            .remedy("leave it out or write null for no limit of its own, or write a number above 0")),
    }
}

/// Refuses a draft that has more in a domain than its limits allow.
pub(super) fn check(picture: &Picture, domain: &str) -> Result<(), Problem> {
    let Some(domain) = picture.domain(domain) else { return Ok(()) };
    let limits = &domain.limits;
    let (mut accounts, mut aliases, mut groups) = (0_u32, 0_u32, 0_u32);
    for (_, entry) in picture.entries().filter(|(address, _)| address.domain() == domain.name) {
        let count = match entry {
            Entry::Account(_) => &mut accounts,
            Entry::Alias(_) => &mut aliases,
            Entry::Group(_) => &mut groups,
        };
        *count = count.saturating_add(1);
    }
    for (what, count, limit) in [
        ("accounts", accounts, limits.accounts),
        ("aliases", aliases, limits.aliases),
        ("groups", groups, limits.groups),
    ] {
        if let Some(limit) = limit.filter(|limit| count > *limit) {
            let detail =
                format!("the domain {} may have {limit} {what}, and this would make {count}", domain.name);
            return Err(Problem::limit(detail)
                .remedy(format!("remove some, or raise the limit `{what}` of the domain")));
        }
    }
    check_sizes(picture, domain)
}

/// The limits of all domains, for what concerns more than one of them.
pub(super) fn check_all(picture: &Picture) -> Result<(), Problem> {
    picture.domains().try_for_each(|domain| check_sizes(picture, domain))
}

fn check_sizes(picture: &Picture, domain: &crate::directory::Domain) -> Result<(), Problem> {
    let name = &domain.name;
    let mut sum = 0_u64;
    for account in picture.accounts().filter(|account| account.address.domain() == name) {
        if let (Some(quota), Some(limit)) = (account.quota, domain.limits.account_size)
            && quota > limit
        {
            let detail = format!(
                "{} has a quota of {quota} octets, and an account of {name} may have {limit}",
                account.address
            );
            return Err(Problem::limit(detail)
                .remedy("give it less, or raise the limit `account_size` of the domain"));
        }
        if let Some(limit) = domain.limits.allocated {
            let Some(quota) = picture.room(account).octets else {
                let detail = format!(
                    "{} has no quota, and all accounts of {name} together may be given {limit} octets",
                    account.address
                );
                return Err(Problem::limit(detail).remedy("give it a quota or a class"));
            };
            sum = sum.saturating_add(quota);
        }
    }
    match domain.limits.allocated.filter(|limit| sum > *limit) {
        None => Ok(()),
        Some(limit) => {
            let detail = format!(
                "the accounts of {name} may be given {limit} octets together, and this would make {sum}"
            );
            Err(Problem::limit(detail).remedy("give less, or raise the limit `allocated` of the domain"))
        }
    }
}
