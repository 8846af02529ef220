;;; eglot_story.el --- The main job in Eglot, in batch mode  -*- lexical-binding: t -*-

;;   emacs -Q --batch -l eglot_story.el FILE.py SERVER_COMMAND...

;; Prints one line for each step; any error ends Emacs with a status of its own.

;;; Code:

(require 'eglot)
(require 'flymake)

(defun story-until (what check &optional seconds)
  "Run the event loop until CHECK returns non-nil; WHAT names it in the error."
  (let ((end (+ (float-time) (or seconds 60))) value)
    (while (not (setq value (funcall check)))
      (when (> (float-time) end) (error "Timed out waiting for %s" what))
      (accept-process-output nil 0.05))
    value))

(defun story-step (name) (princ (format "ok - %s\n" name)))

(defun story-choose (kind beg end)
  "Execute the first code action of this KIND between BEG and END; return its title."
  (let* ((actions (eglot-code-actions beg end))
         (action (seq-find (lambda (each) (string-prefix-p kind (plist-get each :kind)))
                           actions)))
    (unless action (error "No %s among %S" kind actions))
    (eglot-execute (eglot-current-server) action)
    (plist-get action :title)))

(let* ((file (pop command-line-args-left))
       (server-command command-line-args-left)
       (jsonrpc-default-request-timeout 60) ; the first run starts the sandbox
       (eglot-sync-connect t)
       (eglot-autoshutdown t)
       (eglot-confirm-server-edits nil)     ; batch mode: nobody to ask
       (native-comp-jit-compilation nil))
  (setq command-line-args-left nil)
  ;; What a user puts into the init file.
  (add-to-list 'eglot-server-programs `((python-mode python-ts-mode) . ,server-command))
  (setq-default eglot-workspace-configuration '(:fixwright (:model (:provider "none"))))
  (find-file file)
  (apply #'eglot (eglot--guess-contact))
  (story-step "connected")

  (story-step (story-choose "source.fixwright.run" (point-min) (point-min)))
  (let ((found (story-until "the diagnostic"
                            (lambda () (flymake-start) (car (flymake-diagnostics))))))
    (unless (string-search "'value' is not defined" (flymake-diagnostic-text found))
      (error "Another diagnostic: %S" (flymake-diagnostic-text found)))
    (unless (= 2 (line-number-at-pos (flymake-diagnostic-beg found)))
      (error "On line %d" (line-number-at-pos (flymake-diagnostic-beg found))))
    (story-step "diagnostic")
    (story-step (story-choose "quickfix" (flymake-diagnostic-beg found)
                              (flymake-diagnostic-end found))))

  (story-until "the edit" (lambda ()
                            (goto-char (point-min))
                            (search-forward "len(values)" nil t)))
  (save-buffer)
  (story-step "fixed")
  (story-until "the diagnostic to go"
               (lambda () (flymake-start) (null (flymake-diagnostics)))
               10)
  (story-step "cleared")
  (eglot-shutdown (eglot-current-server)))

(provide 'eglot_story)
;;; eglot_story.el ends here
