//! Every way in which an upstream may come, each fed by a program of others.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;
use std::process::Command;

use support::county::County;
use support::feeds::{H264, a_county_of, all_play, film, free_tcp_port, send};
use support::media::{ffmpeg, free_udp_port};
use support::process::Program;
use support::server::{PATIENCE, Server};
use support::time::{ms, s, wait_for};

/// nginx with its RTMP module, and with the folder `hls` of the county over HTTP.
fn nginx(county: &County, rtmp: u16, http: u16) -> Program {
    let root = county.path("nginx");
    fs::create_dir_all(root.join("tmp")).expect("a folder");
    let config = format!(
        "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\ndaemon off; master_process off; pid {root}/pid; error_log stderr error;\n\
         events {{ worker_connections 256; }}\n\
         rtmp {{ server {{ listen 127.0.0.1:{rtmp}; application live {{ live on; wait_video on; }} }} }}\n\
         http {{ access_log off; client_body_temp_path {root}/tmp; proxy_temp_path {root}/tmp;\n\
         fastcgi_temp_path {root}/tmp; uwsgi_temp_path {root}/tmp; scgi_temp_path {root}/tmp;\n\
         types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; video/mp4 mp4 m4s; }}\n\
         server {{ listen 127.0.0.1:{http}; root {hls}; }} }}\n",
        root = root.display(),
        hls = county.path("hls").display(),
    );
    fs::write(root.join("nginx.conf"), config).expect("a configuration");
    Program::start(Command::new("nginx").arg("-c").arg(root.join("nginx.conf")).arg("-p").arg(&root))
}

/// With which an encoder publishes.
const KEY: &str = "a-key-nobody-guesses";

#[test]
fn packets_and_connections() {
    let (rtp, caller, listener) = (free_udp_port(), free_udp_port(), free_udp_port());
    let [http, rtmp, web, rtsp] = std::array::from_fn(|_| free_tcp_port());
    let secret = "passphrase=a-long-secret-word&pbkeylen=16";
    let mut relays = vec![
        ("rtp", format!("rtp://127.0.0.1:{rtp}"), ""),
        ("http", format!("http://127.0.0.1:{http}/live.ts"), ""),
        ("srt-calls", format!("srt://127.0.0.1:{caller}?{secret}&latency=200"), ""),
        ("srt-listens", format!("srt://127.0.0.1:{listener}?mode=listener&{secret}"), ""),
        ("rtmp", format!("rtmp://127.0.0.1:{rtmp}/live/film"), ""),
        ("hls", format!("http://127.0.0.1:{web}/mpegts/index.m3u8"), ""),
        ("hls-fmp4", format!("http://127.0.0.1:{web}/fmp4/index.m3u8"), ""),
        ("rtsp", format!("rtsp://127.0.0.1:{rtsp}/live"), ""),
        ("rtsp-tcp", format!("rtspt://127.0.0.1:{rtsp}/live"), ""),
        ("published", format!("publish://{KEY}"), ""),
    ];
    let names: Vec<&str> = relays.iter().map(|(id, ..)| *id).chain(["file"]).collect();
    let loop_file = tempfile::Builder::new().suffix(".ts").tempfile().expect("a file");
    relays.push(("file", format!("file://{}", loop_file.path().display()), ""));
    let door = free_tcp_port();
    let county = a_county_of(&relays, &format!("rtmp = \"127.0.0.1:{door}\""));
    let film = film(&county, "film", &H264);
    fs::copy(&film, loop_file.path()).expect("the loop");
    let mut feeders = vec![nginx(&county, rtmp, web)];
    let listing = ["-f", "hls", "-hls_time", "2", "-hls_list_size", "6", "-hls_flags", "delete_segments"];
    // Of MPEG-TS ffmpeg would repack the sound of the first round only.
    let mp4 = film.with_extension("mp4");
    let mut repack = ffmpeg();
    repack.arg("-i").arg(&film).args(["-c", "copy", "-metadata:s:a:0", "language=uig"]).arg(&mp4);
    Program::run(&mut repack, PATIENCE).good("an MP4 of the film");
    for (kind, film) in [("mpegts", &film), ("fmp4", &mp4)] {
        let folder = county.path(&format!("hls/{kind}"));
        fs::create_dir_all(&folder).expect("a folder");
        let list = folder.join("index.m3u8").display().to_string();
        feeders.push(send(film, &[&listing[..], &["-hls_segment_type", kind, &*list]].concat()));
    }
    feeders.push(Program::start(
        Command::new("/usr/bin/python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/rtsp_server.py"))
            .arg(rtsp.to_string())
            .arg(&film),
    ));
    feeders.push(send(&film, &["-f", "rtp_mpegts", &format!("rtp://127.0.0.1:{rtp}")]));
    feeders.push(send(
        &film,
        &["-f", "flv", "-bsf:a", "aac_adtstoasc", &format!("rtmp://127.0.0.1:{rtmp}/live/film")],
    ));
    feeders.push(send(&film, &["-f", "mpegts", &format!("srt://127.0.0.1:{caller}?mode=listener&{secret}")]));
    feeders.push(send(&film, &["-f", "mpegts", "-listen", "1", &format!("http://127.0.0.1:{http}/live.ts")]));
    std::thread::sleep(ms(500));
    let server = Server::start(&county);
    // A caller that finds nobody gives up, and whoever sends calls again.
    let called = format!("srt://127.0.0.1:{listener}?mode=caller&{secret}");
    let call = || send(&film, &["-f", "mpegts", &called]);
    let mut caller = call();
    wait_for("somebody answers", PATIENCE, || {
        if !caller.is_running() {
            caller = call();
        }
        let relays = server.client.items("/api/v1/relays");
        relays.into_iter().find(|r| r["id"] == "srt-listens" && r["health"]["bytes"].as_u64() > Some(0))
    });
    let publish = |key: &str| {
        // An encoder that has been running for hours says so in its timestamps.
        let flv = ["-f", "flv", "-bsf:a", "aac_adtstoasc", "-output_ts_offset", "20000"];
        send(&film, &[&flv[..], &[&format!("rtmp://127.0.0.1:{door}/live/{key}")]].concat())
    };
    let stranger = publish("no-key-of-this-county");
    stranger.finish(s(20)).bad("an encoder without a key");
    feeders.push(publish(KEY));
    all_play(&server, &names);
    // The loop begins again: a new generation, and no end.
    wait_for("the file's second round", PATIENCE, || {
        let events = server.client.items("/api/v1/relays/file/events");
        events
            .iter()
            .any(|e| e["detail"].as_str().is_some_and(|d| d.contains("the feed has ended")))
            .then_some(())
    });
    server.has_relay("file");
    // One encoder at a time; when it has gone, the next is taken.
    publish(KEY).finish(s(20)).bad("a second encoder with the same key");
    let stalls = || {
        let events = server.client.items("/api/v1/relays/published/events");
        events.iter().filter(|e| e["kind"] == "stalled").count()
    };
    let before = stalls();
    feeders.pop().expect("the first").end();
    wait_for("the first has gone", PATIENCE, || (stalls() > before).then_some(()));
    let _next = publish(KEY);
    let before = server.has_relay("published")["segments"].as_u64();
    wait_for("more segments", PATIENCE, || {
        (server.has_relay("published")["segments"].as_u64() > before).then_some(())
    });
}

#[test]
fn what_browsers_cannot_play_is_encoded_anew_or_left_out() {
    let ports = [free_udp_port(), free_udp_port(), free_udp_port()];
    let relays = [
        ("dvb", format!("udp://127.0.0.1:{}", ports[0]), ""),
        ("hevc", format!("udp://127.0.0.1:{}", ports[1]), ""),
        ("plain", format!("udp://127.0.0.1:{}", ports[2]), "transcode = \"never\""),
    ];
    let county = a_county_of(&relays, "");
    let dvb = film(&county, "dvb", &["-c:v", "mpeg2video", "-b:v", "2M", "-c:a", "mp2"]);
    let hevc = film(
        &county,
        "hevc",
        &["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-c:a", "ac3"],
    );
    let plain = film(&county, "plain", &[&H264[..6], &["-c:a", "mp2"]].concat());
    let udp = |port: u16| format!("udp://127.0.0.1:{port}?pkt_size=1316");
    let _feeders = [&dvb, &hevc, &plain]
        .iter()
        .zip(ports)
        .map(|(f, p)| send(f, &["-f", "mpegts", &udp(p)]))
        .collect::<Vec<_>>();
    let server = Server::start(&county);
    all_play(&server, &["dvb", "hevc", "plain"]);
    // Sound that is left out is silence; sound that is encoded anew is heard.
    let loudness = |id: &str| {
        let mut command = ffmpeg();
        command.args(["-v", "info", "-i", &server.client.url(&format!("/channels/{id}/index.m3u8"))]);
        command.args(["-map", "0:a:0", "-t", "4", "-af", "volumedetect", "-f", "null", "-"]);
        let told = Program::run(&mut command, PATIENCE).good("listening").err.join("\n");
        let level = told.split("mean_volume: ").nth(1).and_then(|r| r.split(' ').next());
        level.and_then(|l| l.parse::<f64>().ok()).unwrap_or_else(|| panic!("{id}: {told}"))
    };
    assert!(loudness("dvb") > -40.0 && loudness("hevc") > -40.0, "they are heard");
    assert!(loudness("plain") < -80.0, "it is silent");
}
