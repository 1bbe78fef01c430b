//! Parameters that RFC 2231 has cut into sections or written in a charset, put together again (RFC 9051 7.5.2).
//!
//! A summary holds what the message has; this is what a body structure tells. `name*0`, `name*1` become `name`. What
//! is encoded becomes `name*`, in UTF-8 and in the form that RFC 2231 4 has for such a name, so that a reader of either
//! RFC makes the same text of it. Sections without a first one, behind a gap or given twice stay as they are.

use alloc::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    string::ToString,
    vec::Vec,
};

use super::{
    content::Parameter,
    token::{Token, is_token},
};
use crate::charset::Charset;

/// The parameters as they are told; of equal names the first counts.
pub(super) fn joined(list: &[Parameter]) -> Cow<'_, [Parameter]> {
    if !list.iter().any(|parameter| parameter.name.contains('*')) {
        return Cow::Borrowed(list);
    }
    let mut sections = Sections::of(list);
    let mut told: Vec<Parameter> = Vec::with_capacity(list.len());
    let mut names: BTreeSet<Token> = BTreeSet::new();
    for (at, parameter) in list.iter().enumerate() {
        if sections.is_used(at) {
            continue;
        }
        let name = Name::of(&parameter.name);
        let whole = match name.section {
            Some(_) => sections.take(&name),
            None if name.is_extended => encoded(name.attribute, &parameter.value, &[]),
            None => None,
        };
        let is_section_left = whole.is_some() && name.section.is_some() && !sections.is_used(at);
        let left = is_section_left.then(|| parameter.clone());
        for parameter in whole.or_else(|| Some(parameter.clone())).into_iter().chain(left) {
            if names.insert(parameter.name.clone()) {
                told.push(parameter);
            }
        }
    }
    Cow::Owned(told)
}

/// `attribute [*section] [*]`
#[derive(Clone, Copy)]
struct Name<'a> {
    attribute: &'a str,
    section: Option<u32>,
    is_extended: bool,
}

impl<'a> Name<'a> {
    fn of(name: &'a str) -> Self {
        let (rest, is_extended) = name.strip_suffix('*').map_or((name, false), |rest| (rest, true));
        let section = rest.rsplit_once('*').and_then(|(attribute, section)| {
            // RFC 2231 3: no leading zeroes, and no sign.
            let number: u32 = section.parse().ok()?;
            (number.to_string() == section).then_some((attribute, number))
        });
        match section {
            Some((attribute, section)) => Self { attribute, section: Some(section), is_extended },
            None => Self { attribute: rest, section: None, is_extended },
        }
    }
}

/// The sections of all parameters that have any.
struct Sections<'a> {
    list: &'a [Parameter],
    places: BTreeMap<(&'a str, u32), usize>,
    used: Vec<bool>,
}

impl<'a> Sections<'a> {
    fn of(list: &'a [Parameter]) -> Self {
        let mut places = BTreeMap::new();
        for (at, parameter) in list.iter().enumerate() {
            let name = Name::of(&parameter.name);
            if let Some(section) = name.section {
                places.entry((name.attribute, section)).or_insert(at);
            }
        }
        Self { list, places, used: alloc::vec![false; list.len()] }
    }

    fn is_used(&self, at: usize) -> bool {
        self.used.get(at).copied().unwrap_or_default()
    }

    /// The parameter that `name` is a section of; `None` where it has no first one, or was taken.
    fn take(&mut self, name: &Name<'a>) -> Option<Parameter> {
        let mut sections: Vec<&Parameter> = Vec::new();
        let mut places = Vec::new();
        for section in 0_u32.. {
            let Some(at) = self.places.remove(&(name.attribute, section)) else { break };
            sections.extend(self.list.get(at));
            places.push(at);
        }
        let (first, rest) = sections.split_first()?;
        let whole = if Name::of(&first.name).is_extended {
            encoded(name.attribute, &first.value, rest)?
        } else {
            let value = sections.iter().flat_map(|section| section.value.iter().copied()).collect();
            Parameter { name: Token::made(name.attribute.to_string()), value }
        };
        for at in places {
            if let Some(used) = self.used.get_mut(at) {
                *used = true;
            }
        }
        Some(whole)
    }
}

/// `charset'language'text`, with the sections that follow it.
fn encoded(attribute: &str, first: &[u8], rest: &[&Parameter]) -> Option<Parameter> {
    let mut fields = first.splitn(3, |octet| *octet == b'\'');
    let (charset, language, text) = (fields.next()?, fields.next()?, fields.next()?);
    let mut octets = decoded(text);
    for section in rest {
        let is_extended = Name::of(&section.name).is_extended;
        octets.extend(if is_extended { decoded(&section.value) } else { section.value.to_vec() });
    }
    let known = if charset.is_empty() { Some(Charset::guess(&octets)) } else { Charset::of(charset) };
    let text = known.map(|charset| charset.decode(&octets));
    let (charset, octets) = match &text {
        Some(text) => (&b"utf-8"[..], text.as_bytes()),
        // Whoever knows it may read it.
        None => (charset, &octets[..]),
    };
    let mut value = Vec::from(charset);
    value.push(b'\'');
    value.extend_from_slice(language);
    value.push(b'\'');
    for octet in octets {
        if is_attribute_char(*octet) {
            value.push(*octet);
        } else {
            value.extend([b'%', hexadecimal(*octet >> 4), hexadecimal(*octet & 15)]);
        }
    }
    Some(Parameter { name: Token::made(alloc::format!("{attribute}*")), value: value.into() })
}

/// The octets behind `%` and two digits; what is no such thing stays.
fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |octet: &u8| char::from(*octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((octet, tail)) = rest.split_first() {
        let pair = match tail {
            [high, low, ..] if *octet == b'%' => digit(high).zip(digit(low)),
            _ => None,
        };
        match pair {
            Some((high, low)) => {
                octets.push(high << 4 | low);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                octets.push(*octet);
                rest = tail;
            }
        }
    }
    octets
}

/// RFC 2231 7.
fn is_attribute_char(octet: u8) -> bool {
    is_token(octet) && !matches!(octet, b'*' | b'\'' | b'%')
}

fn hexadecimal(digit: u8) -> u8 {
    b"0123456789ABCDEF".get(usize::from(digit)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(pairs: &[(&str, &str)]) -> Vec<Parameter> {
        let parameter = |(name, value): &(&str, &str)| Parameter {
            name: Token::made((*name).into()),
            value: value.as_bytes().to_vec().into(),
        };
        pairs.iter().map(parameter).collect()
    }

    #[test]
    fn mime_05_sections_become_one_value() {
        for (message, told) in [
            // RFC 2231 3 and 4.1, and RFC 9051 7.5.2.
            (&[("url*0", "ftp://"), ("url*1", "cs.utk.edu")][..], &[("url", "ftp://cs.utk.edu")][..]),
            (
                &[
                    ("title*0*", "us-ascii'en'This%20is%20even%20more%20"),
                    ("title*1*", "%2A%2A%2Afun%2A%2A%2A%20"),
                    ("title*2", "isn't it!"),
                ],
                &[("title*", "utf-8'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!")],
            ),
            (&[("filename*", "iso-8859-1''gr%FCn")], &[("filename*", "utf-8''gr%C3%BCn")]),
            // A character cut in two.
            (&[("a*1*", "%BC"), ("a*0*", "utf-8''%C3")], &[("a*", "utf-8''%C3%BC")]),
            (&[("a*", "x-unknown''%FF")], &[("a*", "x-unknown''%FF")]),
            (&[("a*", "''%FF%0D%0A%00")], &[("a*", "utf-8''%C3%BF%0D%0A%00")]),
            // Not of that form, without a first section, behind a gap, twice, out of range.
            (&[("a*", "plain"), ("b*x", "1")], &[("a*", "plain"), ("b*x", "1")]),
            (&[("a*1", "x"), ("a*2", "y")], &[("a*1", "x"), ("a*2", "y")]),
            (&[("a*2", "z"), ("a*0", "x")], &[("a", "x"), ("a*2", "z")]),
            (&[("a*0", "x"), ("a*0*", "y"), ("a*00", "z")], &[("a", "x"), ("a*0*", "y"), ("a*00", "z")]),
            (&[("a*0", "x"), ("a*4294967296", "y")], &[("a", "x"), ("a*4294967296", "y")]),
            (&[("a*0*", "no quotes"), ("a*1", "y")], &[("a*0*", "no quotes"), ("a*1", "y")]),
            // The other form of the same name comes first.
            (&[("a", "x"), ("a*0", "y"), ("b", "z")], &[("a", "x"), ("b", "z")]),
            (&[("a", "x"), ("a*0*", "utf-8''y")], &[("a", "x"), ("a*", "utf-8''y")]),
        ] {
            let mut found = joined(&list(message)).into_owned();
            let mut expected = list(told);
            found.sort_by(|one, other| one.name.cmp(&other.name));
            expected.sort_by(|one, other| one.name.cmp(&other.name));
            assert_eq!(found, expected, "{message:?}");
        }
    }

    #[test]
    fn mime_05_ten_thousand_sections_are_joined_in_one_go() {
        let sections: Vec<(alloc::string::String, &str)> =
            (0..10_000).rev().map(|at| (alloc::format!("a*{at}"), "x")).collect();
        let sections: Vec<(&str, &str)> =
            sections.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let joined = joined(&list(&sections)).into_owned();
        assert_eq!((joined.len(), joined[0].value.len()), (1, 10_000));
    }

    proptest! {
        #[test]
        fn mime_05_no_name_is_told_twice_and_what_is_told_stays(
            names in prop::collection::vec("[ab](\\*[0-3])?\\*?", 0..12),
            value in "[a'%0-9A-F ]{0,12}",
        ) {
            let mut all: Vec<Parameter> = Vec::new();
            for name in names {
                if all.iter().all(|parameter| parameter.name != *name) {
                    all.push(Parameter { name: Token::made(name), value: value.clone().into() });
                }
            }
            let once = joined(&all).into_owned();
            for (at, parameter) in once.iter().enumerate() {
                prop_assert!(once[..at].iter().all(|other| other.name != parameter.name));
                prop_assert!(!parameter.value.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)));
            }
            prop_assert!(once.len() <= all.len());
        }
    }
}
