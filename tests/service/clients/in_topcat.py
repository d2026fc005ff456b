"""Drive TOPCAT's TAP window, by its own buttons and fields; Jython runs this in TOPCAT's process.

in_topcat.py URL PICTURE QUERY... asks each query in the window; JSON of what came is written to standard output.
"""
# ruff: noqa: UP028

import json
import sys
import time
import traceback

from java.awt import Container, Window
from java.awt.image import BufferedImage
from java.io import File
from java.lang import Runnable, System, Thread
from javax.imageio import ImageIO
from javax.swing import AbstractButton, JComboBox, JTabbedPane, JTable, JTree, SwingUtilities
from javax.swing.text import JTextComponent
from uk.ac.starlink.topcat import ControlWindow, Driver

SECONDS = 60


class Call(Runnable):
    def __init__(self, function):
        self.function, self.result = function, None

    def run(self):
        self.result = self.function()


class Topcat(Thread):
    def run(self):
        Driver.main(["-samp", "-nohub"])


def swing(function):
    """Call a function in Swing's thread and give its result."""
    call = Call(function)
    SwingUtilities.invokeAndWait(call)
    return call.result


def until(function, what):
    """Wait until a function gives something."""
    end = time.time() + SECONDS
    while time.time() < end:
        found = swing(function)
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("no " + what)


def inside(component):
    yield component
    if isinstance(component, Container):
        for child in list(component.getComponents()) + list(getattr(component, "menuComponents", None) or ()):
            for found in inside(child):
                yield found


def window(title):
    found = [one for one in Window.getWindows() if (getattr(one, "title", None) or "").startswith(title)]
    return found[0] if found and found[0].isVisible() else None


def those(root, kind, text=None):
    return [one for one in inside(root) if isinstance(one, kind) and (text is None or one.getText() == text)]


def click(root, text):
    """Click a button, which must be there and can be clicked."""
    button = until(lambda: [one for one in those(root, AbstractButton, text) if one.isEnabled()], text)[0]
    SwingUtilities.invokeLater(Call(button.doClick))


def pick(root, text):
    """Choose an entry of the box that has it."""
    boxes = [one for one in those(root, JComboBox) if one.isShowing()]
    entries = [(box, box.getItemAt(place)) for box in boxes for place in range(box.getItemCount())]
    box, entry = next(one for one in entries if str(one[1]) == text)
    swing(lambda: box.setSelectedItem(entry))


def show_tab(root, title):
    tabs = next(one for one in those(root, JTabbedPane) if one.indexOfTab(title) >= 0)
    swing(lambda: tabs.setSelectedIndex(tabs.indexOfTab(title)))


def tap_window():
    control = until(lambda: window("TOPCAT"), "control window")
    menu = until(lambda: those(control.getJMenuBar(), AbstractButton, "VO"), "menu")[0]
    swing(lambda: menu.doClick(0))
    click(menu.getPopupMenu(), "Table Access Protocol (TAP) Query")
    swing(lambda: menu.getPopupMenu().setVisible(False))
    return until(lambda: window("Table Access"), "TAP window")


def use_service(tap, url):
    boxes = until(lambda: [one for one in those(tap, JComboBox) if one.isEditable() and one.isShowing()], "URL")
    box = next(one for one in boxes if str(one.getEditor().getItem()).startswith("Select service"))
    swing(lambda: box.setSelectedItem(url))
    click(tap, "Use Service")


def tree_of(tap):
    """The tree of tables, once it has some."""
    trees = [one for one in those(tap, JTree) if one.isShowing() and one.getRowCount() > 3]
    return trees[0] if trees else None


def text_of(tap):
    """The query's text area."""
    areas = [one for one in those(tap, JTextComponent) if one.isShowing() and one.isEditable() and one.getHeight() > 60]
    return areas[0] if areas else None


def ask(tap, query, mode):
    """Run a query; gives what TOPCAT loads, and whether its own parser finds the query wrong."""
    control = ControlWindow.getInstance()
    before = control.getTablesListModel().getSize()
    pick(tap, mode)
    swing(lambda: text_of(tap).setText(query))
    time.sleep(1)
    (errors,) = those(tap.getJMenuBar(), AbstractButton, "Parse Errors")
    mistake = errors.isEnabled()
    click(tap, "Run Query")
    until(lambda: control.getTablesListModel().getSize() > before, "table")
    table = control.getTablesListModel().getElementAt(before).getDataModel()
    names = [table.getColumnInfo(place).getName() for place in range(table.getColumnCount())]
    units = [table.getColumnInfo(place).getUnitString() for place in range(table.getColumnCount())]
    rows = []
    for place in range(table.getRowCount()):
        rows.append([str(table.getCell(place, column)) for column in range(len(names))])
    return {"columns": names, "units": units, "rows": rows, "mistake": mistake}


def take_picture(tap, path):
    def draw():
        image = BufferedImage(tap.getWidth(), tap.getHeight(), BufferedImage.TYPE_INT_RGB)
        tap.printAll(image.getGraphics())
        ImageIO.write(image, "png", File(path))

    swing(draw)


def main(url, picture, queries):
    Topcat().start()
    tap = tap_window()
    swing(lambda: tap.setSize(1000, 800))
    use_service(tap, url)
    tree = until(lambda: tree_of(tap), "table")
    labels = [str(tree.getPathForRow(row).getLastPathComponent()) for row in range(tree.getRowCount())]
    told = {"tree": labels, "answers": []}
    for number, query in enumerate(queries):
        told["answers"].append(ask(tap, query, "Asynchronous" if number else "Synchronous"))
        show_tab(tap, "Use Service")
    swing(lambda: tree.setSelectionRow(labels.index("sed.classified")))
    show_tab(tap, "Columns")
    swing(lambda: text_of(tap).setText(queries[0]))
    columns = next(one for one in those(tap, JTable) if one.isShowing() and one.getRowCount() > 20)
    swing(lambda: columns.scrollRectToVisible(columns.getCellRect(columns.getRowCount() - 1, 0, True)))
    time.sleep(2)
    take_picture(tap, picture)
    sys.stdout.write("\n" + json.dumps(told) + "\n")
    sys.stdout.flush()


try:
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
except BaseException:
    traceback.print_exc()
    System.exit(1)
System.exit(0)
