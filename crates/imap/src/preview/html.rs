//! The text of HTML, as far as a preview wants it: tags gone, style sheets and scripts gone, entities resolved.
//!
//! No parser: what is not closed runs to the end, what looks like no tag is text. One pass; nothing that comes out is
//! ever shown as HTML.

use alloc::string::String;

use memchr::memmem;

/// Whether what is in a `blockquote` is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    Shown,
    LeftOut,
}

/// The text of a page.
pub(super) fn text(html: &str, quotes: Quotes) -> String {
    let mut text = String::new();
    let mut quote_depth = 0_usize;
    let mut rest = html;
    while let Some(at) = memchr::memchr2(b'<', b'&', rest.as_bytes()) {
        let (plain, marked) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let shown = quotes == Quotes::Shown || quote_depth == 0;
        if shown {
            text.push_str(plain);
        }
        if marked.starts_with('&') {
            let (character, tail) = entity(marked);
            text.extend(Some(character).filter(|_| shown));
            rest = tail;
            continue;
        }
        let Some(tag) = Tag::at(marked) else {
            text.extend(Some('<').filter(|_| shown));
            rest = marked.get(1..).unwrap_or_default();
            continue;
        };
        if tag.name.eq_ignore_ascii_case("blockquote") {
            quote_depth =
                if tag.closes { quote_depth.saturating_sub(1) } else { quote_depth.saturating_add(1) };
        }
        if !INLINE.iter().any(|inline| tag.name.eq_ignore_ascii_case(inline)) {
            text.push(' ');
        }
        rest = tag.rest;
        if !tag.closes && HIDDEN.iter().any(|hidden| tag.name.eq_ignore_ascii_case(hidden)) {
            rest = behind_end(rest, tag.name);
        }
    }
    if quotes == Quotes::Shown || quote_depth == 0 {
        text.push_str(rest);
    }
    text
}

struct Tag<'a> {
    /// Empty for comments and declarations.
    name: &'a str,
    closes: bool,
    rest: &'a str,
}

impl<'a> Tag<'a> {
    fn at(marked: &'a str) -> Option<Self> {
        let inside = marked.strip_prefix('<')?;
        if let Some(comment) = inside.strip_prefix("!--") {
            return Some(Self { name: "", closes: true, rest: behind(comment, "-->") });
        }
        if inside.starts_with(['!', '?']) {
            return Some(Self { name: "", closes: true, rest: behind(inside, ">") });
        }
        let closing = inside.strip_prefix('/');
        let name = closing.unwrap_or(inside);
        if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return None;
        }
        let end = name.find(|other: char| !other.is_ascii_alphanumeric()).unwrap_or(name.len());
        let (name, rest) = name.split_at_checked(end)?;
        Some(Self { name, closes: closing.is_some(), rest: behind(rest, ">") })
    }
}

/// What follows the first `mark`; nothing where there is none.
fn behind<'a>(text: &'a str, mark: &str) -> &'a str {
    memmem::find(text.as_bytes(), mark.as_bytes())
        .and_then(|at| text.get(at.saturating_add(mark.len())..))
        .unwrap_or_default()
}

/// What follows `</name`; nothing where it is not closed.
fn behind_end<'a>(html: &'a str, name: &str) -> &'a str {
    let mut rest = html;
    loop {
        rest = behind(rest, "</");
        if rest.is_empty() {
            return rest;
        }
        if let Some((found, tail)) = rest.split_at_checked(name.len()) {
            if found.eq_ignore_ascii_case(name) {
                return behind(tail, ">");
            }
        }
    }
}

/// The character that the entity at the front stands for, and what follows it; an ampersand where it is none.
fn entity(marked: &str) -> (char, &str) {
    let bare = ('&', marked.get(1..).unwrap_or_default());
    let window = marked.as_bytes().get(1..).unwrap_or_default();
    let end =
        window.iter().take(ENTITY_MAX).position(|octet| !octet.is_ascii_alphanumeric() && *octet != b'#');
    let Some(end) = end.and_then(|end| end.checked_add(1)) else { return bare };
    let (Some(name), Some(rest)) = (marked.get(1..end), marked.get(end..)) else { return bare };
    let Some(rest) = rest.strip_prefix(';') else { return bare };
    let character = match name.strip_prefix('#') {
        Some(number) => {
            let number = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            let character = number.ok().and_then(char::from_u32).filter(|character| *character != '\0');
            Some(character.unwrap_or(char::REPLACEMENT_CHARACTER))
        }
        None => ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, character)| *character),
    };
    character.map_or(bare, |character| (character, rest))
}

/// Tags that do not part words.
const INLINE: [&str; 18] = [
    "a", "abbr", "b", "big", "code", "em", "font", "i", "ins", "mark", "s", "small", "span", "strong", "sub",
    "sup", "u", "wbr",
];
/// Elements whose content is not shown.
const HIDDEN: [&str; 6] = ["head", "noscript", "script", "style", "template", "title"];
/// The entities that text is full of; others stay as they are written.
const ENTITIES: [(&str, char); 44] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("shy", '\u{ad}'),
    ("zwj", '\u{200d}'),
    ("zwnj", '\u{200c}'),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("hellip", '…'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("bull", '•'),
    ("middot", '·'),
    ("euro", '€'),
    ("pound", '£'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("szlig", 'ß'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("iacute", 'í'),
    ("oacute", 'ó'),
    ("uacute", 'ú'),
    ("ntilde", 'ñ'),
    ("ccedil", 'ç'),
];
/// Octets of the name of an entity.
const ENTITY_MAX: usize = 12;
