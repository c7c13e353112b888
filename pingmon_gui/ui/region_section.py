"""One probe's newest result in the detail pane: state, sentence, phases, and the facts behind them."""

from __future__ import annotations

from pingmon_probe.protocol import PHASES, CheckResult, kind_of
from PySide6.QtCore import QCoreApplication, Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.ui import status_shape, wording
from pingmon_gui.ui.kind_facts import kind_facts
from pingmon_gui.ui.monitor_detail import Measured, RegionDetail
from pingmon_gui.ui.phase_bar import PhaseBar, phase_colours, phase_spans
from pingmon_gui.ui.plain_label import PlainLabel
from pingmon_gui.ui.share_button import ShareButton
from pingmon_gui.ui.theme import current, scaled_font

translate = QCoreApplication.translate


def facts(result: CheckResult, now_ms: int) -> list[str]:
    """Return what else is known of a result, one line each: answer, address, redirects, certificate, doubts."""
    lines = []
    answer = []
    if result.http_status is not None:
        answer.append(translate("Detail", "HTTP %1").replace("%1", str(result.http_status)))
    if result.address is not None:
        family = f" (IPv{result.family})" if result.family else ""
        answer.append(wording.plain(result.address, 60) + family)
    if answer:
        lines.append(" · ".join(answer))
    for hop in result.hops:
        text = translate("Detail", "redirected by %1 (%2)")
        lines.append(
            text.replace("%2", str(hop.get("http_status") or "?")).replace("%1", wording.plain(hop.get("url", ""), 200))
        )
    if result.hops:
        lines.append(translate("Detail", "to %1").replace("%1", wording.plain(result.url, 200)))
    lines += _certificate_facts(result, now_ms)
    lines += kind_facts(kind_of(result.url), result.facts)
    if result.low_confidence:
        text = translate("Detail", "low confidence: the probe itself was busy for %1")
        lines.append(text.replace("%1", wording.exact_latency(result.queue_ms)))
    if result.own_network:
        lines.append(translate("Detail", "the probe's own network was down: this says nothing about the site"))
    return lines


def _certificate_facts(result: CheckResult, now_ms: int) -> list[str]:
    certificate = result.certificate
    if certificate is None:
        return []
    subject = wording.plain(certificate.get("subject") or "?", 100)
    issuer = wording.plain(certificate.get("issuer") or "?", 100)
    end = wording.expiry(certificate.get("not_after") or "", now_ms)
    text = translate("Detail", "certificate of %1 by %2, %3")
    lines = [text.replace("%3", end).replace("%2", issuer).replace("%1", subject)]
    if certificate.get("verify_error"):
        lines.append(wording.plain(certificate["verify_error"], 300))
    return lines


class RegionSection(QWidget):
    """What one probe of one region measured last. Updated in place, so that a selection in it stays.

    `explain_asked` carries the region whose share of the last hour was pressed.
    """

    explain_asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sign = QLabel(self)
        self._sign.setFixedSize(status_shape.SIZE, status_shape.SIZE)
        self._name = PlainLabel(self)
        self._figure = PlainLabel(self, can_wrap=False)
        self._figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self._sign)
        head.addWidget(self._name, 1)
        head.addWidget(self._figure)
        self._sentence = PlainLabel(self)
        self._bar = PhaseBar(self)
        self._phases = QGridLayout()
        self._phases.setHorizontalSpacing(6)
        self._phases.setVerticalSpacing(1)
        self._phases.setColumnStretch(1, 1)
        self._phase_labels = [self._phase_row(place) for place in range(len(PHASES))]
        self._facts = PlainLabel(self)
        self._region: Region | None = None
        self._hour_name = PlainLabel(self)
        self._hour_name.setText(translate("Detail", "Available in the last hour"))
        self.share = ShareButton(self)
        self.share.clicked.connect(self.on_share_clicked)
        self._hour = PlainLabel(self)
        hour = QHBoxLayout()
        hour.addWidget(self._hour_name, 1)
        hour.addWidget(self.share)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._sentence)
        column.addWidget(self._bar)
        column.addLayout(self._phases)
        column.addWidget(self._facts)
        column.addLayout(hour)
        column.addWidget(self._hour)

    def show_measured(self, detail: RegionDetail, measured: Measured, now_ms: int) -> None:
        """Show one probe's newest result beside its region's confirmed state and hour."""
        theme, result = current(), measured.result
        state, is_checking = detail.state_of(measured.family)
        sentence = wording.status_sentence(
            detail.region,
            state,
            None if result is None else result.total_ms,
            None if result is None else result.failure,
            is_checking,
        )
        family = wording.family_name(measured.family)
        self.setAccessibleName(f"{family}, {sentence}" if family else sentence)
        self._sign.setPixmap(
            status_shape.pixmap(state, theme.of_verdict(state), theme.window, is_checking, self.devicePixelRatioF())
        )
        region = wording.region_name(detail.region)
        probe = wording.plain(measured.probe.name, 60)
        parts = [region, "" if probe == region else probe, family]
        self._name.setText(" · ".join(part for part in parts if part))
        self._name.setFont(scaled_font(1.0, weight=self._name.font().Weight.DemiBold))
        self._figure.setText(self._figure_of(state, result))
        self._show_result(measured, now_ms)
        self._region = detail.region
        # The share is the region's, of both families: it stands once, below the last of its sections.
        is_last = not family or measured == detail.measured[-1]
        for widget in (self._hour_name, self.share, self._hour):
            widget.setVisible(is_last)
        hour = translate("Detail", "Available in the last hour, both together")
        self._hour_name.setText(hour if family else translate("Detail", "Available in the last hour"))
        self.share.show_share(detail.availability, translate("Detail", "%1, last hour").replace("%1", region))
        self.share.refresh()
        self._hour.setText(wording.availability_sentence(detail.availability))
        for label in (self._facts, self._hour_name, self._hour):
            label.setStyleSheet(f"color: {theme.muted}")
        bad = theme.offline if measured.status is Status.OFFLINE else theme.muted
        self._sentence.setStyleSheet(f"color: {bad}")

    @Slot()
    def on_share_clicked(self) -> None:
        if self._region is not None:
            self.explain_asked.emit(self._region)

    def _figure_of(self, state: Status, result: CheckResult | None) -> str:
        if state in (Status.ONLINE, Status.SLOW) and result is not None and result.failure is None:
            return f"{wording.status_word(state)} · {wording.latency(result.total_ms)}"
        return wording.status_word(state)

    def _show_result(self, measured: Measured, now_ms: int) -> None:
        result = measured.result
        self._bar.show_result(result)
        spans = dict(phase_spans(result)) if result is not None else {}
        kind = "http" if result is None else kind_of(result.url)
        for phase, colour, labels in zip(PHASES, phase_colours(), self._phase_labels, strict=True):
            is_there = phase in spans
            for label in labels:
                label.setVisible(is_there)
            if is_there:
                key, name, figure = labels
                key.setStyleSheet(f"background: {colour}; border-radius: 2px")
                name.setText(wording.phase_name(phase, kind))
                figure.setText(wording.exact_latency(spans[phase]))
        if result is None:
            sentence = translate("Detail", "Nothing was measured from here yet.")
        else:
            sentence = wording.plain(translate("Sentence", result.message), 600)
        self._sentence.setText(sentence)
        self._sentence.setVisible(bool(sentence))
        lines = []
        if result is not None:
            lines = facts(result, now_ms)
            measured_at = translate("Detail", "measured at %1")
            lines.append(measured_at.replace("%1", wording.clock_time(result.started_at_ms)))
        self._facts.setText("\n".join(lines))
        self._facts.setVisible(bool(lines))

    def _phase_row(self, row: int) -> tuple[QLabel, QLabel, QLabel]:
        key, name, figure = QLabel(self), PlainLabel(self, can_wrap=False), PlainLabel(self, can_wrap=False)
        key.setFixedSize(9, 9)
        figure.setAlignment(Qt.AlignmentFlag.AlignRight)
        figure.setFont(scaled_font(1.0, is_tabular=True))
        for column, label in enumerate((key, name, figure)):
            self._phases.addWidget(label, row, column)
        return key, name, figure
