//! Checks the lists in `requirements/`: what each RFC asks of an implementation and which test holds it, and the
//! attacks that are known and which test stands for each.
//!
//! The check is of the bookkeeping: ids that are well formed and stand once, tests that exist in the file they are
//! said to be in. What a test asserts is for its reader to judge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One list of what an RFC asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirements {
    /// The number of the RFC.
    rfc: u32,
    /// What the list covers, in words.
    scope: String,
    requirement: Vec<Requirement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirement {
    /// `<rfc>-<section>-<letter>`.
    id: String,
    section: String,
    level: Level,
    role: Role,
    /// Our words.
    summary: String,
    #[serde(default)]
    test: Vec<String>,
    #[serde(rename = "type")]
    by_type: Option<String>,
    exception: Option<String>,
    open: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
enum Level {
    #[serde(rename = "MUST")]
    Must,
    #[serde(rename = "MUST NOT")]
    MustNot,
    #[serde(rename = "SHOULD")]
    Should,
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    #[serde(rename = "REQUIRED")]
    Required,
}

/// Whom a requirement binds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Role {
    Server,
    Client,
    Both,
    Codec,
    /// Whoever uses the machines: an MTA, its queue, its operator.
    Application,
}

/// The list of attacks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    scope: String,
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// `EOD-01`: the tests carry it as `eod_01`.
    id: String,
    summary: String,
    #[serde(default)]
    test: Vec<String>,
    #[serde(rename = "type")]
    by_type: Option<String>,
    elsewhere: Option<String>,
    open: Option<String>,
}

/// How many entries stand how.
#[derive(Debug, Default)]
struct Count {
    tests: usize,
    types: usize,
    exceptions: usize,
    open: usize,
    /// How many of the open ones are no mere SHOULD.
    open_must: usize,
}

impl Level {
    const fn is_must(self) -> bool {
        matches!(self, Self::Must | Self::MustNot | Self::Required)
    }
}

impl Count {
    /// Counts an entry; says what is wrong with its status.
    fn add(
        &mut self,
        tests: &[String],
        by_type: Option<&str>,
        exception: Option<&str>,
        open: Option<&str>,
    ) -> Option<&'static str> {
        let empty = [by_type, exception, open].into_iter().flatten().any(|reason| reason.trim().is_empty());
        match (tests.is_empty(), by_type, exception, open) {
            _ if empty => return Some("a reason is empty"),
            (false, None, None, None) => self.tests += 1,
            (true, Some(by_type), None, None) if by_type.contains("::") && by_type.contains(", ") => {
                self.types += 1;
            }
            (true, Some(_), None, None) => return Some("a type is given as `crate::Type, why`"),
            (true, None, Some(_), None) => self.exceptions += 1,
            (true, None, None, Some(_)) => self.open += 1,
            (true, None, None, None) => return Some("there is no status"),
            _ => return Some("there is more than one status"),
        }
        None
    }
}

/// The tests of the workspace's files, by the names that can be found in them.
#[derive(Debug, Default)]
struct Tests(BTreeMap<String, Option<BTreeSet<String>>>);

impl Tests {
    /// What is wrong with `claim`, a `path/to/file.rs::name`.
    fn check(&mut self, claim: &str) -> Option<String> {
        let Some((path, name)) = claim.split_once("::") else {
            return Some(format!("{claim} is no path/to/file.rs::name"));
        };
        let names = self.0.entry(path.into()).or_insert_with(|| {
            std::fs::read_to_string(root().join(path)).ok().map(|source| test_names(&source))
        });
        match names {
            None => Some(format!("{path} does not exist")),
            Some(names) if !names.contains(name) => Some(format!("{path} has no test {name}")),
            Some(_) => None,
        }
    }
}

/// The names of the tests in a source: functions under `#[test]`, `#[tokio::test]` or inside `proptest!`, and the
/// `name: arguments` lines of a macro of the file that makes `#[test]` functions.
fn test_names(source: &str) -> BTreeSet<String> {
    let makers: Vec<&str> = source
        .split("macro_rules! ")
        .skip(1)
        .filter(|body| body.split("\n}").next().unwrap_or_default().contains("#[test]"))
        .filter_map(|body| body.split([' ', '{']).next())
        .collect();
    let mut names = BTreeSet::new();
    let mut is_test = false;
    let mut in_maker = false;
    for line in source.lines() {
        let line = line.trim_end();
        let trimmed = line.trim_start();
        if in_maker {
            in_maker = line != "}";
            let name = trimmed.split(':').next().unwrap_or_default();
            if is_name(name) && trimmed.len() > name.len() {
                names.insert(name.to_owned());
            }
        } else if makers.iter().any(|maker| line == format!("{maker}! {{")) {
            in_maker = true;
        } else if trimmed.starts_with("#[test]") || trimmed.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(rest) = trimmed.strip_prefix("fn ").or(trimmed.strip_prefix("async fn ")) {
            let name = rest.split('(').next().unwrap_or_default();
            if std::mem::take(&mut is_test) && is_name(name) {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// What is wrong with a list, and how its entries stand.
fn check(list: &Requirements, tests: &mut Tests) -> (Vec<String>, Count) {
    let mut problems = Vec::new();
    let mut count = Count::default();
    let mut ids = BTreeSet::new();
    if list.scope.trim().is_empty() {
        problems.push("the scope is empty".into());
    }
    for entry in &list.requirement {
        let mut complain = |problem: String| problems.push(format!("{}: {problem}", entry.id));
        let letter = entry.id.strip_prefix(&format!("{}-{}-", list.rfc, entry.section));
        if !letter
            .is_some_and(|it| (1..=2).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_lowercase()))
        {
            complain(format!("is not {}-{}-<letter>", list.rfc, entry.section));
        }
        if !entry.section.split('.').all(is_section_part) {
            complain("has no section number".into());
        }
        if !ids.insert(&entry.id) {
            complain("stands twice".into());
        }
        if entry.summary.trim().is_empty() {
            complain("has no summary".into());
        }
        let (by_type, exception) = (entry.by_type.as_deref(), entry.exception.as_deref());
        if let Some(problem) = count.add(&entry.test, by_type, exception, entry.open.as_deref()) {
            complain(problem.into());
        }
        count.open_must += usize::from(entry.open.is_some() && entry.level.is_must());
        if entry.role == Role::Application && entry.exception.is_none() {
            complain("binds the application, so it is an exception here".into());
        }
        for claim in &entry.test {
            tests.check(claim).into_iter().for_each(&mut complain);
        }
    }
    (problems, count)
}

/// A number, or the letter of an appendix.
fn is_section_part(part: &str) -> bool {
    part.parse::<u32>().is_ok() || matches!(part.as_bytes(), [b'A'..=b'Z'])
}

/// As [`check`], for the list of attacks.
fn check_cases(list: &Cases, tests: &mut Tests) -> (Vec<String>, Count) {
    let mut problems = Vec::new();
    let mut count = Count::default();
    let mut ids = BTreeSet::new();
    if list.scope.trim().is_empty() {
        problems.push("the scope is empty".into());
    }
    for case in &list.case {
        let mut complain = |problem: String| problems.push(format!("{}: {problem}", case.id));
        let (letters, number) = case.id.split_once('-').unwrap_or_default();
        let letters_legal = !letters.is_empty() && letters.bytes().all(|it| it.is_ascii_uppercase());
        if !letters_legal || number.len() != 2 || number.parse::<u8>().is_err() {
            complain("is no id like EOD-01".into());
        }
        if !ids.insert(&case.id) {
            complain("stands twice".into());
        }
        if case.summary.trim().is_empty() {
            complain("has no summary".into());
        }
        let elsewhere = case.elsewhere.as_deref();
        if let Some(problem) = count.add(&case.test, case.by_type.as_deref(), elsewhere, case.open.as_deref())
        {
            complain(problem.into());
        }
        for claim in &case.test {
            tests.check(claim).into_iter().for_each(&mut complain);
            if !carries(claim.rsplit("::").next().unwrap_or_default(), letters, number) {
                complain(format!("{claim} does not carry the id in its name"));
            }
        }
    }
    (problems, count)
}

/// Whether a test's name carries an id: `eod_01` and what follows, or as a further number, as in `cmd_09_and_12_x`.
fn carries(name: &str, letters: &str, number: &str) -> bool {
    let letters = letters.to_ascii_lowercase();
    let mut words = name.split('_');
    while let Some(word) = words.next() {
        if word != letters {
            continue;
        }
        let mut numbers = words.clone().take_while(|it| *it == "and" || it.parse::<u8>().is_ok());
        if numbers.any(|it| it == number) {
            return true;
        }
    }
    false
}

/// The TOML files of `requirements/`, by name.
fn files() -> BTreeMap<String, String> {
    let folder = root().join("tests/requirements");
    let entries = std::fs::read_dir(&folder).expect("the lists");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let tomls = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    tomls
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("a list"))
        })
        .collect()
}

#[test]
fn every_requirement_and_every_attack_is_accounted_for() {
    let mut tests = Tests::default();
    let mut problems = Vec::new();
    let mut table =
        format!("{:10} {:>6} {:>6} {:>10} {:>5}\n", "list", "tests", "types", "exceptions", "open");
    for (name, source) in files() {
        let (found, count) = if name.starts_with("security") {
            let list: Cases = toml::from_str(&source).unwrap_or_else(|error| panic!("{name}: {error}"));
            check_cases(&list, &mut tests)
        } else {
            let list: Requirements =
                toml::from_str(&source).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(name, format!("rfc{}", list.rfc), "the name of the file");
            check(&list, &mut tests)
        };
        problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
        let Count { tests, types, exceptions, open, open_must } = count;
        writeln!(table, "{name:10} {tests:6} {types:6} {exceptions:10} {open:5} {open_must:6}").unwrap();
    }
    println!("{table}");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// One list with one entry, which has `line` added.
fn list(id: &str, line: &str) -> Result<Vec<String>, String> {
    let source = format!(
        "rfc = 1\nscope = \"a\"\n[[requirement]]\nid = \"{id}\"\nsection = \"2.3\"\nlevel = \"MUST\"\n\
         role = \"server\"\nsummary = \"b\"\n{line}\n"
    );
    let list: Requirements = toml::from_str(&source).map_err(|error| error.to_string())?;
    Ok(check(&list, &mut Tests::default()).0)
}

#[test]
fn what_is_not_in_order_is_found() {
    assert_eq!(list("1-2.3-a", "exception = \"c\""), Ok(vec![]));
    assert_eq!(list("1-2.3-a", "type = \"a::B, c\""), Ok(vec![]));
    let here = "tests/requirements.rs";
    assert_eq!(list("1-2.3-a", &format!("test = [\"{here}::what_is_not_in_order_is_found\"]")), Ok(vec![]));
    for (id, line, problem) in [
        ("1-2.4-a", "open = \"c\"", "is not 1-2.3-"),
        ("1-2.3", "open = \"c\"", "is not 1-2.3-"),
        ("1-2.3-A", "open = \"c\"", "is not 1-2.3-"),
        ("1-2.3-a", "", "no status"),
        ("1-2.3-a", "open = \"\"", "empty"),
        ("1-2.3-a", "open = \"c\"\nexception = \"d\"", "more than one"),
        ("1-2.3-a", "type = \"c\"", "crate::Type"),
        ("1-2.3-a", "test = [\"nowhere.rs::x\"]", "does not exist"),
        ("1-2.3-a", "test = [\"tests/requirements.rs\"]", "is no path"),
        ("1-2.3-a", "test = [\"tests/requirements.rs::carries\"]", "has no test"),
    ] {
        let found = list(id, line).unwrap();
        assert!(found.len() == 1 && found[0].contains(problem), "{line}: {found:?}");
    }
    assert!(list("1-2.3-a", "status = \"c\"").is_err_and(|error| error.contains("unknown field")));
    let twice = "open = \"c\"\n[[requirement]]\nid = \"1-2.3-a\"\nsection = \"2.3\"\nlevel = \"MUST\"\n\
                 role = \"server\"\nsummary = \"b\"\nopen = \"c\"";
    assert!(list("1-2.3-a", twice).unwrap()[0].contains("twice"));
}

#[test]
fn tests_are_found_by_every_way_of_writing_them() {
    let source = "\
macro_rules! made {
    ($($name:ident: $($payload:expr),+;)*) => {$(
        #[test]
        fn $name() {}
    )*};
}
macro_rules! other { ($($name:ident: $x:expr;)*) => {} }
made! {
    a_1: b\"x:y\";
    a_2: 1, 2;
}
other! {
    b_1: 1;
}
#[test]
fn c_1() {
    d_1: loop {}
}
fn e_1() {}
proptest! {
    #[test]
    fn f_1(x in 0..1) {}
}
#[tokio::test(flavor = \"current_thread\")]
async fn g_1() {}
";
    let expected = ["a_1", "a_2", "c_1", "f_1", "g_1"].map(String::from);
    assert_eq!(test_names(source), BTreeSet::from(expected));
    assert!(carries("eod_01_x", "EOD", "01") && carries("cmd_09_and_12_x", "CMD", "12"));
    assert!(
        ["2", "13", "A"].into_iter().all(is_section_part)
            && !["", "a", "AB", "1a"].into_iter().any(is_section_part)
    );
    assert!(!carries("eod_01_x", "EOD", "02") && !carries("eod_x_01", "EOD", "01"));
}
