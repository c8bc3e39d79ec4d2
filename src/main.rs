//! The `yuanjiao` binary: everything is in the library.

fn main() -> std::process::ExitCode {
    yuanjiao::app::cli::main()
}
