//! The pages built by Vite are embedded: a new build of them is a reason to
//! compile again.

fn main() {
    println!("cargo::rerun-if-changed=web/dist");
}
