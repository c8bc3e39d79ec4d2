//! The pages built by Vite are embedded: a new build of them is a reason to
//! compile again.

fn main() {
    #[expect(clippy::print_stdout, reason = "this is how build scripts speak to cargo")]
    {
        println!("cargo::rerun-if-changed=web/dist");
    }
}
