; Not run so far. An installer for Windows 10 and newer, by Inno Setup 6, from the folder that PyInstaller makes:
;   py -3.11 -m venv build\package-env
;   build\package-env\Scripts\pip install -r requirements\package.txt
;   build\package-env\Scripts\pip install --no-deps --no-build-isolation -e .
;   build\package-env\Scripts\python packaging\build_package.py
;   for /f "tokens=2" %v in ('build\app\pingmon\pingmon.exe --version') do iscc /DVersion=%v packaging\windows\pingmon.iss
; pingmonw.exe is the window, for the menu; pingmon.exe is the same for terminals.
; On Windows a checkout needs symbolic links (git config core.symlinks true): pingmon_gui\resources is one.

#ifndef Version
  #error Say which version: iscc /DVersion=...
#endif

[Setup]
AppId={{6B0B2C4E-6F0A-4B0E-9C37-5D1A7B6B1F31}
AppName=Pingmon
AppVersion={#Version}
AppPublisher=The Pingmon developers
DefaultDirName={autopf}\Pingmon
DefaultGroupName=Pingmon
DisableProgramGroupPage=yes
; For the user alone, without asking an administrator; /ALLUSERS installs for everybody.
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=commandline dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
OutputDir=..\..\build
OutputBaseFilename=pingmon-{#Version}-setup
Compression=lzma2/max
SolidCompression=yes
LicenseFile=..\..\LICENSE
ChangesEnvironment=yes
CloseApplications=yes
UninstallDisplayIcon={app}\pingmonw.exe

[Tasks]
Name: path; Description: "Use “pingmon” in terminals"

[Files]
; What an older version had and this one has not must not stay: Python would find it.
Source: "..\..\build\app\pingmon\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[InstallDelete]
Type: filesandordirs; Name: "{app}\_internal"

[Icons]
Name: "{group}\Pingmon"; Filename: "{app}\pingmonw.exe"

[Registry]
Root: HKCU; Subkey: "Environment"; ValueType: expandsz; ValueName: "Path"; ValueData: "{olddata};{app}"; Tasks: path; Check: not IsOnPath

[Run]
Filename: "{app}\pingmonw.exe"; Description: "Start Pingmon"; Flags: postinstall nowait skipifsilent

[Code]
function IsOnPath: Boolean;
var
  Path: string;
begin
  Result := RegQueryStringValue(HKCU, 'Environment', 'Path', Path)
    and (Pos(';' + Uppercase(ExpandConstant('{app}')) + ';', ';' + Uppercase(Path) + ';') > 0);
end;

{ The entry in Path goes with the app; the user's data stays. }
procedure CurUninstallStepChanged(Step: TUninstallStep);
var
  Path, Ours: string;
  Place: Integer;
begin
  if (Step = usPostUninstall) and RegQueryStringValue(HKCU, 'Environment', 'Path', Path) then
  begin
    Ours := ';' + ExpandConstant('{app}');
    Place := Pos(Uppercase(Ours), Uppercase(Path));
    if Place > 0 then
    begin
      Delete(Path, Place, Length(Ours));
      RegWriteExpandStringValue(HKCU, 'Environment', 'Path', Path);
    end;
  end;
end;
