//! The binary: see [`posthaste_load::cli`].

fn main() -> std::process::ExitCode {
    posthaste_load::cli::main()
}
