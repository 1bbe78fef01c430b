//! What is installed beside the program fits it.

use std::path::{Path, PathBuf};

use posthaste_server::config::Config;
use posthaste_server::listen::Service;

fn packaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)
}

fn example() -> String {
    std::fs::read_to_string(packaged("posthaste.toml")).unwrap()
}

/// The example with everything taken that is commented out: what begins with one `#` and no space.
fn whole_example() -> String {
    let taken = |line: &str| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '[') => key.to_owned(),
        _ => line.to_owned(),
    };
    example().lines().map(taken).collect::<Vec<_>>().join("\n")
}

#[test]
fn u27_the_example_of_the_configuration_can_be_used_as_it_is() {
    let config = Config::load(&packaged("posthaste.toml")).unwrap();
    let plain = Config::new("mail.company.com", "/var/lib/posthaste/mail");
    assert_eq!((&config.hostname, &config.data), (&plain.hostname, &plain.data));
    assert_eq!(config.limits, plain.limits);
    assert!(config.run_as.is_none() && config.backups.is_none());
}

#[test]
fn what_the_example_shows_as_defaults_are_the_defaults() {
    let whole = Config::parse(&whole_example(), Path::new("/etc/posthaste/posthaste.toml")).unwrap();
    let plain = Config::new("mail.company.com", "/var/lib/posthaste/mail");
    assert_eq!(whole.limits, plain.limits);
    assert_eq!(whole.passwords, plain.passwords);
    assert_eq!(whole.retention, plain.retention);
    assert_eq!(whole.login, plain.login);
    assert_eq!(whole.bans, plain.bans);
    assert_eq!(whole.search, plain.search);
    assert_eq!(whole.http.open_metrics, plain.http.open_metrics);
    let backups = whole.backups.unwrap();
    assert_eq!((backups.every_hours, backups.keep), (24, 7));
    assert!(!whole.listen.pop3.is_empty() && whole.pop3.deleted_to.is_some() && whole.run_as.is_some());
}

#[test]
fn u25_what_the_example_says_of_ordering_certificates_can_be_used() {
    let example = example();
    let (before, rest) = example.split_once("[tls]\n").unwrap();
    let indented = rest.lines().filter_map(|line| line.strip_prefix("#   "));
    let acme = indented.collect::<Vec<_>>().join("\n");
    let config =
        Config::parse(&format!("{before}{acme}\n"), Path::new("/etc/posthaste/posthaste.toml")).unwrap();
    let plain =
        Config::parse(&format!("{before}[tls.acme]\naccept_terms = true\n"), Path::new("/x")).unwrap();
    let (shown, defaults) = (config.acme().unwrap(), plain.acme().unwrap());
    assert_eq!((&shown.directory, &shown.listen), (&defaults.directory, &defaults.listen));
    assert_eq!((defaults.hosts.as_slice(), shown.hosts.len()), (&["mail.company.com".to_owned()][..], 3));
}

#[test]
fn sockets_of_systemd_are_named_after_services() {
    let mut found = 0;
    for entry in std::fs::read_dir(packaged("sockets")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = text.lines().find_map(|line| line.strip_prefix("FileDescriptorName=")).unwrap();
        assert!(Service::ALL.iter().any(|service| service.name() == name), "{name}");
        assert_eq!(path.file_name().unwrap().to_str(), Some(format!("posthaste-{name}.socket").as_str()));
        found += 1;
    }
    assert_eq!(found, 7);
}

#[test]
fn the_unit_keeps_what_the_guide_says() {
    let unit = std::fs::read_to_string(packaged("posthaste.service")).unwrap();
    for line in [
        "User=posthaste",
        "StateDirectory=posthaste",
        "ExecReload=/usr/bin/kill -HUP $MAINPID",
        "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "LimitNOFILE=65536",
    ] {
        assert!(unit.lines().any(|written| written == line), "{line}");
    }
    for command in unit.lines().filter_map(|line| line.split_once("=/usr/bin/posthaste ")) {
        let words = std::iter::once("posthaste").chain(command.1.split(' '));
        posthaste_server::cli::command().try_get_matches_from(words).unwrap();
    }
}
