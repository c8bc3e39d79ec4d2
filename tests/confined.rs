//! A process that reads files of strangers reaches its own files, and nothing else.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use support::process::yuanjiao;

/// What such a process says that it could do.
fn reach(job: &Value) -> Value {
    let mut command: Command = yuanjiao(["worker", "reach"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a worker");
    let mut stdin = child.stdin.take().expect("its input");
    std::io::Write::write_all(&mut stdin, format!("{job}\n").as_bytes()).expect("told");
    let mut said = String::new();
    let mut out = child.stdout.take().expect("its output");
    std::io::Read::read_to_string(&mut out, &mut said).expect("its answer");
    drop(stdin);
    assert!(child.wait().expect("ended").success());
    serde_json::from_str(&said).expect("an answer")
}

#[test]
fn who_packages_reaches_neither_the_network_nor_other_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("film.mp4"), "a film").expect("written");
    fs::write(path("secret"), "the county's keys").expect("written");
    fs::create_dir(path("out")).expect("made");
    let listener = TcpListener::bind("127.0.0.1:0").expect("somebody listens");
    let address = listener.local_addr().expect("an address").to_string();
    let said = reach(&json!({
        "input": [path("film.mp4")], "output": path("out"), "connect": address,
        "read": [path("film.mp4"), "/etc/ld.so.cache", path("secret"), "/etc/passwd"],
        "write": [path("out/package"), path("film.mp4"), path("other")],
    }));
    let lacks: Vec<&str> =
        said["lacks"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let lacks = |what: &str| lacks.iter().any(|lack| lack.contains(what));
    // What a kernel cannot take away it says; the rest is gone.
    let (files, network) = (lacks("other files"), lacks("network"));
    assert_eq!(said["read"], json!([true, true, files, files]), "{said}");
    assert_eq!(said["write"], json!([true, files, files]), "{said}");
    assert_eq!(said["connect"], json!(network && files), "{said}");
    assert_eq!(
        fs::read_to_string(path("film.mp4")).expect("it is there"),
        if files { "x" } else { "a film" }
    );
    println!("{said}");
}
