-- The tables of a database of Uptime Kuma 2 that an import looks at, with some monitors in them.
CREATE TABLE monitor (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(150), active BOOLEAN NOT NULL DEFAULT 1, user_id INTEGER,
    interval INTEGER NOT NULL DEFAULT 20, url TEXT, type VARCHAR(20), weight INTEGER DEFAULT 2000,
    hostname VARCHAR(255), port INTEGER, created_date DATETIME NOT NULL DEFAULT (DATETIME('now')),
    keyword VARCHAR(255), maxretries INTEGER NOT NULL DEFAULT 0, ignore_tls BOOLEAN NOT NULL DEFAULT 0,
    upside_down BOOLEAN NOT NULL DEFAULT 0, maxredirects INTEGER NOT NULL DEFAULT 10,
    accepted_statuscodes_json TEXT NOT NULL DEFAULT '["200-299"]', retry_interval INTEGER NOT NULL DEFAULT 0,
    push_token VARCHAR(32), method TEXT NOT NULL DEFAULT 'GET', body TEXT, headers TEXT, basic_auth_user TEXT,
    basic_auth_pass TEXT, docker_host INTEGER, docker_container VARCHAR(255), proxy_id INTEGER,
    expiry_notification BOOLEAN DEFAULT 1, auth_method VARCHAR(250), resend_interval INTEGER NOT NULL DEFAULT 0,
    http_body_encoding VARCHAR(25), description TEXT, tls_cert TEXT, tls_key TEXT, parent INTEGER,
    invert_keyword BOOLEAN NOT NULL DEFAULT 0, json_path TEXT, expected_value VARCHAR(255),
    timeout DOUBLE NOT NULL DEFAULT 0, cache_bust BOOLEAN NOT NULL DEFAULT 0, conditions TEXT NOT NULL DEFAULT '[]',
    ip_family VARCHAR(4), bearer_token TEXT
);
CREATE TABLE tag (id INTEGER PRIMARY KEY, name VARCHAR(255), color VARCHAR(255), created_date DATETIME);
CREATE TABLE monitor_tag (id INTEGER PRIMARY KEY, monitor_id INTEGER, tag_id INTEGER, value TEXT);
CREATE TABLE notification (id INTEGER PRIMARY KEY, name VARCHAR(255), config TEXT);
CREATE TABLE maintenance (id INTEGER PRIMARY KEY, title VARCHAR(150), strategy VARCHAR(50));
CREATE TABLE status_page (id INTEGER PRIMARY KEY, slug VARCHAR(255), title VARCHAR(255));

INSERT INTO monitor (id, name, type, active) VALUES (1, 'Customers', 'group', 1), (2, 'Staging', 'group', 0);
INSERT INTO monitor (id, name, url, type, interval, timeout, parent, accepted_statuscodes_json, ip_family) VALUES
    (3, 'Shop', 'https://shop.example/', 'http', 20, 0, 1, '["200-299"]', 'ipv4'),
    (4, 'Staging shop', 'https://staging.shop.example/', 'http', 60, 48, 2, '["200-299","404"]', NULL);
INSERT INTO monitor (id, name, url, type, keyword, invert_keyword, ignore_tls, active, cache_bust) VALUES
    (5, 'No error', 'https://blog.example/', 'keyword', 'Fatal error', 1, 1, 0, 1);
INSERT INTO monitor (id, name, url, type, headers, auth_method, basic_auth_user, basic_auth_pass) VALUES
    (6, 'By header', 'https://api.example/', 'http', '{"Authorization": "Basic b3BzOmdlaGVpbQ==", "X-Key": "1"}', NULL, '', ''),
    (7, 'Former log-in', 'https://open.example/', 'http', NULL, NULL, 'ops', 'geheim'),
    (8, 'Log-in', 'https://admin.example/', 'http', NULL, 'basic', 'ops', 'geheim'),
    (9, 'By token', 'https://token.example/', 'http', NULL, 'bearer', NULL, NULL);
INSERT INTO monitor (id, name, hostname, port, type) VALUES (10, '=cmd()', 'mail.example', 993, 'port');
INSERT INTO tag (id, name) VALUES (1, 'env');
INSERT INTO monitor_tag (monitor_id, tag_id, value) VALUES (3, 1, 'prod');
INSERT INTO notification (name) VALUES ('Mail'), ('Chat');
INSERT INTO maintenance (title, strategy) VALUES ('Sundays', 'recurring-weekday');
