"""Where the user put probes on the map: kept beside the window's layout."""

from __future__ import annotations

import json
from collections.abc import Mapping

from PySide6.QtCore import QObject, QSettings, Signal

from pingmon_gui.domain.result import ProbeId
from pingmon_gui.ui.map_place import Place

_KEY = "map_places"


class OwnPlaces(QObject):
    """`changed` tells every map that a place was set or taken back."""

    changed = Signal()

    def __init__(self, settings: QSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._places = _read(str(settings.value(_KEY, "{}")))

    @property
    def places(self) -> Mapping[ProbeId, Place]:
        return self._places

    def put(self, probe: ProbeId, place: Place | None) -> None:
        """Put a probe somewhere, or back to where its region is (None)."""
        if place is None:
            self._places.pop(probe, None)
        else:
            self._places[probe] = place
        document = {str(probe): [at.longitude, at.latitude] for probe, at in self._places.items()}
        self._settings.setValue(_KEY, json.dumps(document))
        self.changed.emit()


def _read(text: str) -> dict[ProbeId, Place]:
    """Return the places of a file that anybody may have edited; what makes no sense is left out."""
    try:
        document = json.loads(text)
        return {ProbeId(int(probe)): Place(float(east), float(north)) for probe, (east, north) in document.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
