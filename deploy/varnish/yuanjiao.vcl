# A cache in front of Yuanjiao: Varnish 6 or newer, `varnishd -f`.
# What it does and what it means for evidence: docs/caches.md.
vcl 4.1;

# Where Yuanjiao listens.
backend default {
    .host = "127.0.0.1";
    .port = "8080";
    .first_byte_timeout = 60s;
    .between_bytes_timeout = 60s;
}

sub vcl_recv {
    # Segments never change and ask for no cookie; nor do scripts, styles and fonts.
    if ((req.method == "GET" || req.method == "HEAD") && req.url ~ "^(/s/[^/]+/seg/|/assets/)") {
        unset req.http.Cookie;
        return (hash);
    }
    # Streams without an end are handed through as they come.
    if (req.url ~ "^/s/[^/]+/.*/ts/") {
        return (pipe);
    }
    # Playlists say who plays, beats what; pages are made for whoever asks. Uploads pass, too,
    # without being kept.
    return (pass);
}

sub vcl_hash {
    # The ticket in /s/<ticket>/seg/… names a session; the bytes are the same for all.
    if (req.url ~ "^/s/[^/]+/seg/") {
        hash_data(regsub(req.url, "^/s/[^/]+", ""));
        return (lookup);
    }
}

sub vcl_pipe {
    # One request each, or the next on the line would not be looked at.
    set bereq.http.Connection = "close";
}

sub vcl_backend_response {
    if (bereq.url ~ "^/s/[^/]+/seg/") {
        if (beresp.status != 200) {
            # A ticket that is over is no reason to refuse the next.
            set beresp.ttl = 0s;
            set beresp.uncacheable = true;
        }
        set beresp.grace = 1h;
    }
    # Handed on while it is fetched.
    set beresp.do_stream = true;
}
