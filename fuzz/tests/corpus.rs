//! Every committed input of every target, run through its body.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use std::{fs, path::Path};

use posthaste_fuzz::TARGETS;

#[test]
fn every_input_of_the_corpus_keeps_the_properties() {
    for (name, body) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut inputs = 0_usize;
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            body(&fs::read(&path).unwrap());
            inputs = inputs.saturating_add(1);
        }
        assert!(inputs >= 5, "the corpus of {name} holds only {inputs} inputs");
    }
}

#[test]
fn every_target_has_a_door_for_the_fuzzer() {
    for (name, _) in TARGETS {
        let door = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets").join(format!("{name}.rs"));
        let text = fs::read_to_string(&door).unwrap_or_else(|error| panic!("{}: {error}", door.display()));
        assert!(
            text.contains(&format!("posthaste_fuzz::{name}(")),
            "{} calls something else",
            door.display()
        );
    }
}
