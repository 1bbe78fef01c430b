//! The lines of a reply to EHLO (RFC 5321 4.1.1.1). What does not parse as an extension known here is kept.

use alloc::vec::Vec;

use super::command::number;
use crate::{AnnouncedLimits, Capabilities, Capability, DateTime, Mechanism, Reply, Text};

/// Reads what a server offers: every line of its reply to EHLO but the first.
pub(crate) fn capabilities(reply: &Reply) -> Capabilities {
    Capabilities::new(reply.lines().skip(1).map(Capability::from).collect())
}

impl From<&str> for Capability {
    /// Reads a line of the reply to EHLO, its code taken off. Keywords in any case, words apart by any number of
    /// spaces; what follows a keyword that has no parameters is ignored. What is not understood becomes
    /// [`Capability::Unknown`].
    fn from(line: &str) -> Self {
        // Old servers write `AUTH=LOGIN`, which is no keyword.
        let end = line.find([' ', '\t', '=']).unwrap_or(line.len());
        let (keyword, rest) = line.split_at_checked(end).unwrap_or((line, ""));
        let words = rest.split([' ', '\t', '=']).filter(|word| !word.is_empty());
        known(keyword, rest, words).unwrap_or_else(|| Self::Unknown(line.into()))
    }
}

fn known<'a>(keyword: &str, rest: &str, mut words: impl Iterator<Item = &'a str>) -> Option<Capability> {
    let mut upper = [0_u8; KEYWORD_OCTETS_MAX];
    let upper = upper.get_mut(..keyword.len())?;
    upper.copy_from_slice(keyword.as_bytes());
    upper.make_ascii_uppercase();
    Some(match &*upper {
        b"PIPELINING" => Capability::Pipelining,
        b"8BITMIME" => Capability::EightBitMime,
        b"ENHANCEDSTATUSCODES" => Capability::EnhancedStatusCodes,
        b"STARTTLS" => Capability::StartTls,
        b"CHUNKING" => Capability::Chunking,
        b"BINARYMIME" => Capability::BinaryMime,
        b"DSN" => Capability::Dsn,
        b"SMTPUTF8" => Capability::SmtpUtf8,
        b"REQUIRETLS" => Capability::RequireTls,
        b"RRVS" => Capability::Rrvs,
        b"ETRN" => Capability::Etrn,
        b"VRFY" => Capability::Vrfy,
        b"EXPN" => Capability::Expn,
        b"HELP" => Capability::Help,
        b"AUTH" => Capability::Auth(words.filter_map(|word| word.parse::<Mechanism>().ok()).collect()),
        b"SIZE" => {
            let max = words.next().map(|max| number(max.as_bytes()).ok_or(())).transpose().ok()?;
            Capability::Size(max.filter(|max| *max != 0))
        }
        b"LIMITS" => Capability::Limits(announced_limits(rest)?),
        b"FUTURERELEASE" => {
            let seconds_max = seconds(words.next()?)?;
            let until_max = words.next()?.parse::<DateTime>().ok()?;
            Capability::FutureRelease { seconds_max, until_max }
        }
        b"DELIVERBY" => match words.next() {
            None => Capability::DeliverBy(None),
            Some(least) => Capability::DeliverBy(Some(seconds(least)?)),
        },
        b"MT-PRIORITY" => Capability::MtPriority(words.next().and_then(|profile| profile.parse().ok())),
        b"XCLIENT" => Capability::Xclient(names(words)),
        b"XFORWARD" => Capability::Xforward(names(words)),
        _ => return None,
    })
}

/// `limit-name ["=" limit-value]`, apart by spaces. A word that breaks the grammar makes all of it unknown; a
/// value that is none is as if its limit was not there (RFC 9422 3.7), and so are limits that are not known.
fn announced_limits(rest: &str) -> Option<AnnouncedLimits> {
    let mut limits = AnnouncedLimits::default();
    for word in rest.split([' ', '\t']).filter(|word| !word.is_empty()) {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let is_name = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        let is_value = |octet: u8| matches!(octet, b'!'..=b'~') && octet != b';';
        if name.is_empty()
            || !name.bytes().all(is_name)
            || value.is_some_and(|value| value.is_empty() || !value.bytes().all(is_value))
        {
            return None;
        }
        let slot = match name {
            _ if name.eq_ignore_ascii_case("MAILMAX") => &mut limits.mail_max,
            _ if name.eq_ignore_ascii_case("RCPTMAX") => &mut limits.rcpt_max,
            _ if name.eq_ignore_ascii_case("RCPTDOMAINMAX") => &mut limits.rcpt_domain_max,
            _ => continue,
        };
        *slot = value.and_then(limit);
    }
    Some(limits)
}

/// `%x31-39 0*5DIGIT` (RFC 9422 4).
fn limit(value: &str) -> Option<u32> {
    let legal = value.len() <= 6 && !value.starts_with('0');
    legal.then(|| number(value.as_bytes())).flatten().and_then(|limit| u32::try_from(limit).ok())
}

/// Up to nine digits.
fn seconds(value: &str) -> Option<u32> {
    let seconds = if value.len() <= 9 { number(value.as_bytes()) } else { None };
    seconds.and_then(|seconds| u32::try_from(seconds).ok())
}

fn names<'a>(words: impl Iterator<Item = &'a str>) -> Vec<Text> {
    words.filter_map(|word| word.parse().ok()).collect()
}

/// The longest keyword known here, `ENHANCEDSTATUSCODES`.
const KEYWORD_OCTETS_MAX: usize = 19;
