"""The way from the window to a report."""

from __future__ import annotations

from collections.abc import Callable

from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.report_dialog import ReportDialog
from tests.engine.fakes import until
from tests.ui.conftest import RunAsync
from tests.ui.window.conftest import Bench, MakeBench, numbered

ShowWindow = Callable[[Bench], MainWindow]


def test_report_is_made_of_the_selected_domains(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync
) -> None:
    window = show_window(make_bench(numbered(4)))

    async def use() -> None:
        window.table.selectAll()
        window.actions_.report.trigger()
        [dialog] = window.findChildren(ReportDialog)
        assert "those selected" in dialog.form.domains.currentText().lower()
        await until(dialog.accept_button.isEnabled)
        assert dialog.preview.number.text().startswith("Page 1 of")
        window.actions_.report.trigger()
        assert window.findChildren(ReportDialog) == [dialog]
        dialog.reject()
        window.actions_.report.trigger()
        again = [one for one in window.findChildren(ReportDialog) if one is not dialog]
        assert len(again) == 1
        await until(again[0].accept_button.isEnabled)
        again[0].reject()

    run_async(use())


def test_without_domains_there_is_nothing_to_report(make_bench: MakeBench, show_window: ShowWindow) -> None:
    window = show_window(make_bench())
    assert not window.actions_.report.isEnabled()
