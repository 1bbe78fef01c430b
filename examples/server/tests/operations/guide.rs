//! The guide of the administrator says what is so.

use std::collections::BTreeSet;
use std::path::Path;

use posthaste_server::config::Config;
use posthaste_server::{cli, metrics};

const GUIDE: &str = include_str!("../../GUIDE.md");

/// The fenced blocks of a kind, without what indents them.
fn blocks(kind: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = GUIDE.lines();
    while let Some(line) = lines.next() {
        if line.trim_start().strip_prefix("```") == Some(kind) {
            let block = lines.by_ref().map(str::trim_start).take_while(|line| *line != "```");
            blocks.push(block.collect::<Vec<_>>().join("\n"));
        }
    }
    blocks
}

/// The words of a command of a shell, as far as the guide uses one.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for c in command.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.push(String::new()),
            (c, _) => words.last_mut().unwrap().push(c),
        }
    }
    assert!(quote.is_none(), "{command}");
    words.retain(|word| !word.is_empty());
    words
}

/// Every command of the guide that runs this program, from its name on.
fn commands() -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for block in blocks("console") {
        for line in block.lines() {
            let line = line.strip_prefix("$ ").unwrap_or_else(|| panic!("no prompt before {line:?}"));
            for part in line.split(" | ") {
                let mut words = words(part);
                // `sudo -u posthaste posthaste ...`, `VARIABLE=value posthaste ...`
                if words.starts_with(&["sudo".to_owned(), "-u".to_owned(), "posthaste".to_owned()]) {
                    words.drain(..3);
                }
                words.drain(..words.iter().take_while(|word| word.contains('=')).count());
                if words.first().is_some_and(|word| word == "posthaste") {
                    commands.push(words);
                }
            }
        }
    }
    commands
}

#[test]
fn u27_every_command_of_the_guide_is_one_that_the_program_has() {
    let commands = commands();
    assert!(commands.len() > 40, "{commands:?}");
    for words in &commands {
        if let Err(error) = cli::command().try_get_matches_from(words) {
            panic!("{words:?}: {error}");
        }
    }
}

#[test]
fn u27_every_command_of_the_program_is_in_the_guide() {
    let used: BTreeSet<String> = commands()
        .iter()
        .filter_map(|words| words[1..].iter().find(|word| !word.starts_with('-')).cloned())
        .collect();
    for command in cli::command().get_subcommands() {
        let name = command.get_name();
        assert!(name == "help" || used.contains(name), "posthaste {name} is not in the guide");
    }
}

#[test]
fn what_the_guide_has_of_the_configuration_can_be_used() {
    let blocks = blocks("toml");
    assert!(blocks.len() >= 2);
    for block in blocks {
        let head = "hostname = \"mail.company.com\"\ndata = \"/d\"\n";
        let text = if block.contains("hostname") { block } else { format!("{head}{block}") };
        Config::parse(&text, Path::new("GUIDE.md")).unwrap();
    }
}

#[test]
fn the_figures_of_the_guide_are_those_there_are() {
    let rows = GUIDE.lines().filter(|line| line.starts_with("| `posthaste_"));
    let documented: Vec<(String, String, Vec<String>)> = rows
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let labels = cells[2].split(", ").filter(|label| !label.is_empty());
            let plain = |cell: &str| cell.trim_matches('`').to_owned();
            (plain(cells[0]), plain(cells[1]), labels.map(plain).collect())
        })
        .collect();
    let there_are: Vec<_> = metrics::ALL
        .iter()
        .map(|metric| {
            let labels = metric.labels.iter().map(|&label| label.to_owned()).collect();
            (metric.name.to_owned(), format!("{:?}", metric.kind).to_lowercase(), labels)
        })
        .collect();
    assert_eq!(documented, there_are);
}

#[test]
fn links_within_the_guide_lead_somewhere() {
    let anchor = |heading: &str| -> String {
        let kept = heading
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'))
            .collect::<String>();
        kept.replace(' ', "-")
    };
    let anchors: BTreeSet<String> =
        GUIDE.lines().filter_map(|line| line.strip_prefix("## ")).map(anchor).collect();
    for part in GUIDE.split("](#").skip(1) {
        let link = part.split(')').next().unwrap();
        assert!(anchors.contains(link), "{link}");
    }
}
