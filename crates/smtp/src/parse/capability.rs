//! The lines of a reply to EHLO (RFC 5321 4.1.1.1). What does not parse as an extension known here is kept.

use alloc::string::String;

use crate::{Capabilities, Capability, Mechanism};

/// Reads what a server offers: every line of its reply to EHLO but the first.
pub(crate) fn capabilities(lines: &[String]) -> Capabilities {
    Capabilities::new(lines.iter().skip(1).map(|line| capability(line)).collect())
}

fn capability(line: &str) -> Capability {
    let unknown = || Capability::Unknown(line.into());
    // Old servers write `AUTH=LOGIN`, which is no keyword.
    let end = line.find([' ', '=']).unwrap_or(line.len());
    let (keyword, rest) = line.split_at_checked(end).unwrap_or((line, ""));
    let mut words = rest.split([' ', '=']).filter(|word| !word.is_empty());
    let known = match keyword.to_ascii_uppercase().as_str() {
        "PIPELINING" => Capability::Pipelining,
        "8BITMIME" => Capability::EightBitMime,
        "ENHANCEDSTATUSCODES" => Capability::EnhancedStatusCodes,
        "STARTTLS" => Capability::StartTls,
        "AUTH" => {
            Capability::Auth(words.by_ref().filter_map(|word| word.parse::<Mechanism>().ok()).collect())
        }
        "SIZE" => match words.next().map(str::parse::<u64>) {
            None | Some(Ok(0)) => Capability::Size(None),
            Some(Ok(max)) => Capability::Size(Some(max)),
            Some(Err(_)) => return unknown(),
        },
        _ => return unknown(),
    };
    if words.next().is_some() { unknown() } else { known }
}
