//! The binary `posthaste`. Everything it does is in the library, where tests can reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    posthaste_server::cli::main()
}
