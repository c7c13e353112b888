"""The JSON of a webhook, as docs/guide/webhook.md documents it. Fields are added, never changed, within a version."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from pingmon_gui.domain.alert import AlertItem, Post
from pingmon_gui.domain.alert_words import LATE_MS, alert_text

VERSION = 1


def payload(post: Post, now_ms: int, zone: tzinfo | None = None) -> dict[str, Any]:
    """Return what a webhook sends of a message now."""
    words = alert_text(post, now_ms, zone=zone)
    end_ms = post.end_ms
    return {
        "version": VERSION,
        "delivery": post.key,
        "alert": f"{post.alert:x}",
        "event": post.event.value,
        "kind": post.kind.value,
        "title": words.title,
        "text": words.text,
        "at_ms": post.at_ms,
        "sent_at_ms": now_ms,
        "is_late": post.is_first_word or now_ms - post.at_ms > LATE_MS,
        "since_ms": post.since_ms,
        "end_ms": end_ms,
        "duration_ms": max(0, (now_ms if end_ms is None else end_ms) - post.since_ms),
        "count": post.count,
        "lasting": post.lasting,
        "over": post.over,
        "items": [_item(item) for item in post.items],
    }


def _item(item: AlertItem) -> dict[str, Any]:
    return {
        "kind": item.kind.value,
        "name": item.subject,
        "url": item.url,
        "text": item.past_text if item.is_over else item.text,
        "since_ms": item.since_ms,
        "end_ms": item.end_ms,
        "closing": None if item.closing is None else item.closing.value,
        "regions": list(item.regions),
        "failure": item.failure,
        "incident": item.incident,
        "expires_at_ms": item.until_ms or None,
        "acknowledged_at_ms": item.acknowledged_at_ms,
    }
